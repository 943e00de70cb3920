//! A guest: sends what its client asks for, answers its keys, counts the others. Protocol of the measurement: `words`.
//!
//! Data frames are numbered and go out as pveproxy sends them, each in a TLS record of its own, but many in one write, so
//! that whatever relays them never waits for this process.

use super::{Stream, http};
use crate::Outcome;
use crate::frames::{self, BINARY, Frames, Head, PING, PONG, Piece};
use crate::words::{self, Account, MOST, NUMBER_LEN, PATTERN, Word};
use futures_util::FutureExt as _;
use std::io::{IoSlice, Write as _};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Sealed bytes that are gathered for one write.
const BATCH: usize = 128 * 1024;

/// Serves one client until it leaves.
pub(super) async fn serve(stream: Stream) -> Outcome<()> {
    let mut guest = Guest::new(stream);
    loop {
        guest.listen().await?;
        guest.speak().await?;
    }
}

struct Guest {
    stream: Stream,
    frames: Frames,
    head: Head,
    /// What the client said and is not read yet, and the payload of a control frame under way.
    said: Vec<u8>,
    control: Vec<u8>,
    /// Frames to go out before anything else.
    answers: Vec<u8>,
    keys: Account,
    /// The next data frame's.
    number: u64,
    /// Payload and count of the data frames to send.
    sending: (usize, u32),
    /// Payload and pace of the data frames that go out whatever else does, and whether one is due.
    steady: Option<(usize, Interval)>,
    due: bool,
}

impl Guest {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            frames: Frames::default(),
            head: Head { first: 0, mask: None, len: 0 },
            said: Vec::new(),
            control: Vec::new(),
            answers: Vec::new(),
            keys: Account::default(),
            number: 0,
            sending: (0, 0),
            steady: None,
            due: false,
        }
    }

    /// Waits for the client or for what is due; with data to send it only looks whether the client said something.
    async fn listen(&mut self) -> Outcome<()> {
        if self.sending.1 > 0 {
            return match self.stream.fill_buf().now_or_never() {
                Some(ready) => ready.map(drop).map_err(Into::into).and_then(|()| self.hear()),
                None => Ok(()),
            };
        }
        let heard = tokio::select! {
            ready = self.stream.fill_buf() => ready.map(|_| true)?,
            () = tick(self.steady.as_mut()) => false,
        };
        self.due = !heard;
        if heard { self.hear() } else { Ok(()) }
    }

    /// Reads what is there.
    fn hear(&mut self) -> Outcome<()> {
        let Some(Ok(all)) = self.stream.fill_buf().now_or_never() else { return Ok(()) };
        let (len, mut bytes) = (all.len(), all);
        if len == 0 {
            return Err(http::ended().into());
        }
        while let Some(piece) = self.frames.next(&mut bytes) {
            match piece {
                Piece::Head(head) if head.mask.is_some() && matches!(head.first, BINARY | PING | PONG) => {
                    self.head = head
                }
                Piece::Head(_) => return Err(http::ended().into()),
                Piece::Data { bytes, at, .. } => {
                    let to = if self.head.first == BINARY { &mut self.said } else { &mut self.control };
                    frames::put_unmasked(to, bytes, self.head.mask.unwrap_or_default(), at);
                }
            }
            if self.head.first != BINARY && self.control.len() == self.head.len {
                let payload = std::mem::take(&mut self.control);
                if self.head.first == PING {
                    frames::put(&mut self.answers, PONG, &payload);
                }
            }
        }
        self.stream.consume(len);
        self.obey()
    }

    fn obey(&mut self) -> Outcome<()> {
        let mut at = 0;
        while let Some((word, len)) = Word::read(&self.said[at..])? {
            at += len;
            match word {
                Word::Send { bytes, frames } => self.sending = (sized(bytes)?, frames),
                Word::Steady { bytes, a_second } => {
                    let bytes = sized(bytes)?;
                    self.steady = paced(a_second).map(|pace| (bytes, pace));
                }
                Word::Key { key } if words::is_asking(key) => {
                    frames::put(&mut self.answers, BINARY, &words::echo(key, self.keys));
                }
                Word::Key { key } => self.keys.add(key),
                Word::Nothing => {}
            }
        }
        self.said.drain(..at);
        Ok(())
    }

    async fn speak(&mut self) -> Outcome<()> {
        if !self.answers.is_empty() {
            self.stream.get_mut().1.writer().write_all(&self.answers)?;
            self.answers.clear();
        }
        if std::mem::take(&mut self.due) {
            let bytes = self.steady.as_ref().map_or(0, |(bytes, _)| *bytes);
            self.data(bytes)?;
        }
        let mut batch = 0;
        while self.sending.1 > 0 && batch < BATCH {
            self.sending.1 -= 1;
            batch += self.sending.0;
            self.data(self.sending.0)?;
        }
        Ok(self.stream.flush().await?)
    }

    /// Seals one data frame.
    fn data(&mut self, bytes: usize) -> Outcome<()> {
        let mut front = Vec::with_capacity(32);
        frames::put_head(&mut front, BINARY, bytes, None);
        front.extend_from_slice(&self.number.to_be_bytes());
        self.number += 1;
        let rest = &PATTERN[NUMBER_LEN..bytes];
        let parts = [IoSlice::new(&front), IoSlice::new(rest)];
        let taken = self.stream.get_mut().1.writer().write_vectored(&parts)?;
        if taken == front.len() + rest.len() { Ok(()) } else { Err("a frame was not sealed whole".into()) }
    }
}

fn sized(bytes: u32) -> Outcome<usize> {
    let bytes = bytes as usize;
    if (words::ECHO_LEN + 1..=MOST).contains(&bytes) { Ok(bytes) } else { Err("no such frame".into()) }
}

/// A pace that starts at a moment of its own, so that a thousand guests do not speak at once.
fn paced(a_second: u32) -> Option<Interval> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let period = Duration::from_secs(1).checked_div(a_second)?;
    let share = f64::from(STARTED.fetch_add(1, Relaxed)) * 0.618_034;
    let mut pace = interval_at(Instant::now() + period.mul_f64(share.fract()), period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    Some(pace)
}

async fn tick(pace: Option<&mut (usize, Interval)>) {
    match pace {
        Some((_, pace)) => drop(pace.tick().await),
        None => std::future::pending().await,
    }
}
