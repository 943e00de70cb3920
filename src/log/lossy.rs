//! Lines on their way to a reader that may be slow or stuck: a bounded queue and a thread of its own.
//!
//! A pipe that nobody reads blocks whoever writes to it, and every part of a gateway writes lines. So nobody but this
//! thread ever waits; a line that finds the queue full is lost, and counted.
//!
//! The thread writes all that is there and then lets lines gather for a moment. So a line may be 5 ms late, and a process
//! that is killed loses as many milliseconds of them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// How often a flush looks whether there is room for it.
const LOOK: Duration = Duration::from_millis(5);

/// How long the thread rests after it wrote what was there: waking it for every line costs more than writing the line.
const GATHER: Duration = Duration::from_millis(5);

/// Of all writers of the process: it has one log.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines that were lost so far.
pub(super) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

enum Word {
    Line(Vec<u8>),
    /// Everything before it is written by now.
    Flush(SyncSender<()>),
}

/// Where lines are left; clones share the queue. Each write is a line.
#[derive(Debug, Clone)]
pub(super) struct Lossy(SyncSender<Word>);

impl Lossy {
    /// A queue of `most` lines to a writer.
    ///
    /// # Errors
    /// No thread.
    pub(super) fn new(to: impl Write + Send + 'static, most: usize) -> io::Result<Self> {
        let (sender, words) = sync_channel(most);
        thread::Builder::new().name("log".to_owned()).spawn(move || write(to, &words, || thread::sleep(GATHER)))?;
        Ok(Self(sender))
    }

    /// Waits until the lines so far are written, which a rest of the thread may delay ([`GATHER`]), but no longer than so: a
    /// reader that is stuck gets no more.
    pub(super) fn flush_within(&self, time: Duration) {
        let until = Instant::now() + time;
        let (done, written) = sync_channel(1);
        let mut word = Word::Flush(done);
        loop {
            match self.0.try_send(word) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < until => {
                    word = back;
                    thread::sleep(LOOK);
                }
                Err(_) => return,
            }
        }
        // Late: whoever reads is stuck.
        let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

impl Write for Lossy {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Word::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until nobody is left to say anything, and rests after each time that it wrote what was there.
fn write(mut to: impl Write, words: &Receiver<Word>, mut rest: impl FnMut()) {
    while let Ok(first) = words.recv() {
        for word in std::iter::once(first).chain(words.try_iter()) {
            match word {
                Word::Line(line) => {
                    if to.write_all(&line).is_err() {
                        DROPPED.fetch_add(1, Relaxed);
                    }
                }
                Word::Flush(done) => {
                    // Whoever waited may have given up, and a writer that failed has failed its lines already.
                    let _ = (to.flush(), done.try_send(()));
                }
            }
        }
        rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;
    use std::sync::{Arc, Mutex};

    #[test]
    fn e07_a_reader_that_is_stuck_stops_nobody_and_what_is_lost_is_counted() {
        let (to, from) = UnixStream::pair().unwrap();
        let (mut lines, before) = (Lossy::new(to, 16).unwrap(), dropped());
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..10_000 {
            lines.write_all(&line).unwrap();
        }
        let lost = dropped() - before;
        assert!(lost > 1000, "{lost}");
        lines.flush_within(Duration::from_millis(10));
        drop(lines);
        let read: Vec<String> = BufReader::new(from).lines().map(Result::unwrap).collect();
        assert!(read.iter().all(|line| line.len() == 999), "no line is cut");
        assert_eq!(read.len() as u64 + lost, 10_000, "each is written or counted");
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            thread::yield_now();
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_said_last_is_written_before_the_end() {
        let kept = Kept::default();
        let mut lines = Lossy::new(kept.clone(), 1000).unwrap();
        for n in 0..1000 {
            lines.write_all(format!("{n}\n").as_bytes()).unwrap();
        }
        lines.flush_within(Duration::from_secs(30));
        assert!(kept.0.lock().unwrap().ends_with(b"998\n999\n"));
    }

    #[test]
    fn all_lines_that_are_there_are_written_before_the_one_rest() {
        let (sender, words) = sync_channel(8);
        for line in ["1\n", "2\n", "3\n"] {
            sender.send(Word::Line(line.into())).unwrap();
        }
        drop(sender);
        let (kept, mut at_rests) = (Kept::default(), Vec::new());
        write(kept.clone(), &words, || at_rests.push(String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()));
        assert_eq!(at_rests, ["1\n2\n3\n"]);
    }
}
