//! One session of the load: opened as its door asks, then a job after the other; pings are answered all the time.

use super::check::Check;
use super::connect::{Stream, connect};
use super::order::{Door, Job, Order, Records};
use super::{Report, login, token};
use crate::frames::{self, BINARY, PONG};
use crate::words::{self, Account, Word};
use crate::{Outcome, Trouble, guests, upgrade};
use std::io::Write as _;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

/// An answer to an upgrade is far smaller.
const MOST_HEAD: usize = 4096;
/// A key that changes every byte of a payload; a fresh one for each frame would only cost time here.
pub(super) const MASK: [u8; 4] = [0x5A, 0xC3, 0x96, 0x0F];
/// Small frames that are sealed before they are written.
const AT_ONCE: usize = 1024;

/// What one session did.
#[derive(Debug, Default)]
pub struct Done {
    pub bytes: u64,
    pub round_trips: Vec<u64>,
}

/// An open session.
pub struct Session {
    stream: Stream,
    check: Check,
    keys: Account,
    presses: u32,
}

impl Session {
    /// Opens the session with this number of the order.
    pub async fn open(order: &Order, number: u32, connector: &TlsConnector) -> Outcome<Self> {
        let mut stream = connect(connector, order.address, order.sessions).await?;
        stream.write_all(request(order, number)?.as_bytes()).await?;
        stream.flush().await?;
        let mut head = Vec::new();
        upgrade::read_head(&mut stream, &mut head, MOST_HEAD).await?;
        upgrade::switched(&head)?;
        if matches!(order.door, Door::Gateway { .. }) {
            login::run(&mut stream).await?;
        }
        stream.get_mut().1.set_buffer_limit(None);
        Ok(Self { stream, check: Check::default(), keys: Account::default(), presses: 0 })
    }

    /// Does jobs until the session ends; says why it did.
    pub async fn live(mut self, mut jobs: mpsc::Receiver<Job>, reports: &mpsc::Sender<Report>) -> Trouble {
        loop {
            let job = tokio::select! {
                job = jobs.recv() => match job {
                    Some(job) => job,
                    None => return "the load has ended".into(),
                },
                ready = self.stream.fill_buf() => {
                    if let Err(why) = ready.map(drop).map_err(Trouble::from) {
                        return why;
                    }
                    if let Err(why) = self.absorb().await {
                        return why;
                    }
                    continue;
                }
            };
            let done = match self.run(job).await {
                Ok(done) => done,
                Err(why) => return why,
            };
            let _ = reports.send(Ok(done)).await;
            if matches!(job, Job::Stall { .. }) {
                // It holds the stream, and never reads again.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn run(&mut self, job: Job) -> Outcome<Done> {
        let mut done = Done::default();
        let before = if matches!(job, Job::Tell) { 0 } else { self.check.data_bytes };
        match job {
            Job::Tell => {}
            Job::Receive { bytes, frames } => self.receive(bytes, frames).await?,
            Job::Type { frames, records } => self.type_keys(frames, records).await?,
            Job::Press { seconds, pause_millis } => {
                let until = Instant::now() + Duration::from_secs(seconds.into());
                while Instant::now() < until {
                    done.round_trips.push(self.press().await?);
                    sleep(Duration::from_millis(pause_millis.into())).await;
                }
            }
            Job::Steady { bytes, a_second } => self.say(Word::Steady { bytes, a_second }).await?,
            Job::Flood { bytes } | Job::Stall { bytes } => self.say(Word::Send { bytes, frames: u32::MAX }).await?,
        }
        done.bytes = self.check.data_bytes - before;
        Ok(done)
    }

    async fn receive(&mut self, bytes: u32, frames: u32) -> Outcome<()> {
        let (first_frame, first_byte) = (self.check.data_frames, self.check.data_bytes);
        self.say(Word::Send { bytes, frames }).await?;
        while self.check.data_frames < first_frame + u64::from(frames) {
            self.absorb().await?;
        }
        let expected = u64::from(bytes) * u64::from(frames);
        let came = self.check.data_bytes - first_byte;
        if came == expected { Ok(()) } else { Err(format!("{came} bytes came instead of {expected}").into()) }
    }

    async fn type_keys(&mut self, frames: u32, records: Records) -> Outcome<()> {
        for first in (0..frames).step_by(AT_ONCE) {
            let mut many = Vec::new();
            for number in first..frames.min(first + AT_ONCE as u32) {
                let (mut payload, mut frame) = (Vec::with_capacity(16), Vec::with_capacity(24));
                for key in [words::silent(2 * number), words::silent(2 * number + 1)] {
                    Word::Key { key }.put(&mut payload);
                    self.keys.add(key);
                }
                frames::put_masked(&mut frame, BINARY, &payload, MASK);
                match records {
                    // Each write to the connection makes a record; what is sealed waits for the flush.
                    Records::Each => self.stream.get_mut().1.writer().write_all(&frame)?,
                    Records::Full => many.extend_from_slice(&frame),
                }
            }
            self.stream.get_mut().1.writer().write_all(&many)?;
            self.stream.flush().await?;
        }
        // Its answer says what came before it.
        self.press().await.map(drop)
    }

    /// Presses one key and waits for its answer; nanoseconds.
    async fn press(&mut self) -> Outcome<u64> {
        self.presses += 1;
        let key = words::asking(self.presses);
        self.check.echo = None;
        let began = Instant::now();
        self.say(Word::Key { key }).await?;
        let (echoed, before) = loop {
            self.absorb().await?;
            if let Some(echo) = self.check.echo {
                break echo;
            }
        };
        let took = began.elapsed();
        if (echoed, before) != (key, self.keys) {
            let keys = self.keys;
            return Err(format!("key {key} after {keys:?} was answered as {echoed} after {before:?}").into());
        }
        Ok(u64::try_from(took.as_nanos())?)
    }

    async fn say(&mut self, word: Word) -> Outcome<()> {
        let (mut payload, mut frame) = (Vec::with_capacity(16), Vec::with_capacity(32));
        word.put(&mut payload);
        frames::put_masked(&mut frame, BINARY, &payload, MASK);
        self.stream.write_all(&frame).await?;
        Ok(self.stream.flush().await?)
    }

    /// Checks what comes next and answers pings.
    async fn absorb(&mut self) -> Outcome<()> {
        let bytes = self.stream.fill_buf().await?;
        let len = bytes.len();
        if len == 0 {
            return Err("the relay ended the connection".into());
        }
        self.check.feed(bytes)?;
        self.stream.consume(len);
        for ping in std::mem::take(&mut self.check.pings) {
            let mut pong = Vec::with_capacity(ping.len() + 6);
            frames::put_masked(&mut pong, PONG, &ping, MASK);
            self.stream.write_all(&pong).await?;
            self.stream.flush().await?;
        }
        Ok(())
    }
}

fn request(order: &Order, number: u32) -> Outcome<String> {
    let (path, token) = match order.door {
        Door::Raw => ("/raw", String::new()),
        Door::Gateway { cluster, first_guest, rights } => {
            let vmid = guests::FIRST + (first_guest + number) % guests::COUNT;
            ("/v1/ws", format!("Authorization: Bearer {}\r\n", token::mint(cluster, vmid, rights)?))
        }
    };
    Ok(format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: \
         13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: binary\r\n{token}\r\n",
        order.address
    ))
}
