//! The WebSocket half of pveproxy: frames of the client to the console, pieces of the console to the client.
//!
//! Faithful to its faults: wedges on frames it cannot take, never pings or closes, never pushes back, forgets unsent
//! bytes when the console ends (protocol reference section 3).
//!
//! ```text
//! Open ──bad frame──▶ Wedged ──client leaves──▶ Leaked
//!   └── close, client gone, console ended ──▶ over        (Wedged and Leaked end only with the console)
//! ```

use super::counters::{Ledger, Live};
use super::frame::{self, Frame};
use super::pipe::Pipe;
use bytes::{Buf as _, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;

type Client = TlsStream<TcpStream>;

/// What differs between consoles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Silence in both directions that ends it.
    pub(super) idle: Option<Duration>,
    /// Leave half a frame behind at the end.
    pub(super) cut_in_mid_frame: bool,
}

const SMALLEST_READ: usize = 4096;

/// A peer that was told the end gets this long to read it.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Open,
    Wedged,
    Leaked,
}

enum End {
    ClientClosed,
    ClientGone,
    ConsoleEnded,
}

/// Copies until one side ends. `early` came right behind the request.
pub(super) async fn run(client: Client, early: BytesMut, pipe: Pipe, rules: Rules, ledger: &Ledger) {
    let _live = Live::new(ledger);
    let (reader, writer) = tokio::io::split(client);
    let mut proxy = Proxy {
        reader,
        writer,
        pipe,
        input: early,
        read_size: SMALLEST_READ,
        output: BytesMut::new(),
        unflushed: false,
        to_console: VecDeque::new(),
        mood: Mood::Open,
        last: Instant::now(),
        ledger,
    };
    let end = proxy.copy(rules).await;
    proxy.finish(&end, rules).await;
}

/// What happened.
enum Step {
    /// Bytes of the client, none at its end.
    Read(usize),
    /// A piece of the console.
    Piece(Bytes),
    /// The console's end.
    Ended,
    /// Bytes taken by the client's connection (0: flushed), or its end.
    Sent(Option<usize>),
}

struct Proxy<'a> {
    reader: ReadHalf<Client>,
    writer: WriteHalf<Client>,
    pipe: Pipe,
    input: BytesMut,
    /// Grows with a busy client, so that an idle one costs little.
    read_size: usize,
    output: BytesMut,
    unflushed: bool,
    to_console: VecDeque<Bytes>,
    mood: Mood,
    last: Instant,
    ledger: &'a Ledger,
}

impl Proxy<'_> {
    async fn copy(&mut self, rules: Rules) -> End {
        loop {
            if self.mood == Mood::Open && self.take_frames() {
                return End::ClientClosed;
            }
            let idle_at = self.last + rules.idle.unwrap_or(Duration::ZERO);
            let talking = self.mood != Mood::Leaked;
            self.input.reserve(self.read_size);
            let unsent = self.unflushed || !self.output.is_empty();
            let step = tokio::select! {
                read = self.reader.read_buf(&mut self.input), if talking => Step::Read(read.unwrap_or(0)),
                piece = self.pipe.from.recv() => piece.map_or(Step::Ended, Step::Piece),
                sent = send(&mut self.writer, &self.output), if talking && unsent => Step::Sent(sent.ok()),
                permit = self.pipe.to.reserve(), if !self.to_console.is_empty() => {
                    match (permit, self.to_console.pop_front()) {
                        (Ok(permit), Some(piece)) => permit.send(piece),
                        (Ok(_) | Err(_), _) => self.to_console.clear(),
                    }
                    continue;
                }
                () = sleep_until(idle_at), if rules.idle.is_some() => Step::Ended,
            };
            match step {
                Step::Read(count @ 1..) => self.read(count),
                Step::Sent(Some(count)) => self.sent(count),
                Step::Piece(piece) => self.put_piece(&piece),
                Step::Ended => return End::ConsoleEnded,
                Step::Read(0) | Step::Sent(None) if self.mood == Mood::Open => return End::ClientGone,
                Step::Read(0) | Step::Sent(None) => self.leak(),
            }
        }
    }

    /// So many bytes came; a wedged connection takes them and forgets them.
    fn read(&mut self, count: usize) {
        self.read_size = match count {
            full if full >= self.read_size => (self.read_size * 2).min(frame::LARGEST),
            few if few < self.read_size / 4 => SMALLEST_READ,
            _ => self.read_size,
        };
        if self.mood != Mood::Open {
            self.input.clear();
        }
    }

    /// So many bytes were taken, none if it was all flushed. Gives the memory of a backlog back.
    fn sent(&mut self, count: usize) {
        self.output.advance(count);
        self.unflushed = count > 0;
        if self.output.is_empty() && self.output.capacity() > 64 * 1024 {
            self.output = BytesMut::new();
        }
    }

    /// Handles every whole frame of the input; true on a close frame.
    fn take_frames(&mut self) -> bool {
        let (mut frames, mut bytes, mut largest) = (0_u64, 0_u64, 0_u64);
        let closed = loop {
            match frame::take(&mut self.input) {
                Frame::Partial => break false,
                Frame::Data(payload) => {
                    let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
                    (frames, bytes, largest) = (frames + 1, bytes + length, largest.max(length));
                    self.to_console.push_back(payload);
                }
                Frame::Ping(payload) => {
                    self.ledger.count(|c| c.pings += 1);
                    frame::put(&mut self.output, 10, &payload);
                }
                Frame::Pong => {}
                Frame::Dropped => self.ledger.count(|c| c.dropped_frames += 1),
                Frame::Close => {
                    self.ledger.count(|c| c.closes += 1);
                    break true;
                }
                Frame::Fatal => {
                    self.ledger.count(|c| c.wedged += 1);
                    self.mood = Mood::Wedged;
                    self.input.clear();
                    break false;
                }
            }
        };
        if frames > 0 {
            let waiting = self.to_console.iter().map(Bytes::len).sum::<usize>();
            let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
            self.last = Instant::now();
            self.ledger.count(|c| {
                c.client_frames += frames;
                c.client_bytes += bytes;
                c.max_client_frame = c.max_client_frame.max(largest);
                c.max_waiting = c.max_waiting.max(waiting);
            });
        }
        closed
    }

    /// One read of the console is one frame; a leaked client gets nothing any more.
    fn put_piece(&mut self, piece: &[u8]) {
        self.last = Instant::now();
        if self.mood != Mood::Leaked {
            piece.chunks(frame::LARGEST).for_each(|part| frame::put(&mut self.output, 2, part));
        }
    }

    fn leak(&mut self) {
        self.ledger.count(|c| c.leaked += 1);
        self.mood = Mood::Leaked;
        self.output.clear();
    }

    async fn finish(mut self, end: &End, rules: Rules) {
        match end {
            End::ClientGone => {}
            End::ClientClosed => {
                let _ = timeout(LINGER, self.deliver()).await;
                let mut client = self.reader.unsplit(self.writer);
                let _ = client.get_mut().0.shutdown().await;
                drain(&mut client.get_mut().0).await;
            }
            End::ConsoleEnded if self.mood == Mood::Leaked => {}
            End::ConsoleEnded => {
                if rules.cut_in_mid_frame {
                    frame::put(&mut self.output, 2, &[0; 100]);
                    self.output.truncate(self.output.len() - 50);
                }
                self.send_what_goes().await;
                let mut client = self.reader.unsplit(self.writer);
                if matches!(timeout(LINGER, client.shutdown()).await, Ok(Ok(()))) {
                    drain(&mut client).await;
                }
            }
        }
    }

    /// Frames before a close still reach the console.
    async fn deliver(&mut self) -> io::Result<()> {
        while let Some(piece) = self.to_console.pop_front() {
            self.pipe.write(piece).await?;
        }
        Ok(())
    }

    /// Writes what the socket takes at once; the rest is lost.
    async fn send_what_goes(&mut self) {
        let (writer, output) = (&mut self.writer, &mut self.output);
        std::future::poll_fn(|context| {
            while !output.is_empty() {
                match Pin::new(&mut *writer).poll_write(context, output) {
                    Poll::Ready(Ok(count)) if count > 0 => output.advance(count),
                    Poll::Ready(_) | Poll::Pending => break,
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Writes what there is; with nothing to write, flushes.
async fn send(writer: &mut WriteHalf<Client>, output: &[u8]) -> io::Result<usize> {
    if output.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(output).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// Reads until the peer ends too, so that closing does not become a reset that eats the last bytes.
async fn drain<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) {
    let mut waste = [0; 4096];
    let _ = timeout(LINGER, async { while matches!(stream.read(&mut waste).await, Ok(1..)) {} }).await;
}
