//! The audit file: a line is in it before its event goes on, and a file that takes no more lines stops nobody.
//!
//! Owns the open file. It is opened again when asked, as logrotate does after a rename, and by itself before the next line
//! once one was lost: a full disk, a file system that became read-only and a folder that went heal without a restart.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// Of the process: it has one audit file.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that were lost so far.
pub(super) fn lost() -> u64 {
    LOST.load(Relaxed)
}

/// The audit file; clones share it. Each write is a line.
#[derive(Debug, Clone)]
pub struct AuditFile(Arc<Audit>);

#[derive(Debug)]
struct Audit {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Its last line was cut, by a disk that got full or a machine that lost its power.
    is_torn: bool,
    /// Lines since the last one that was taken.
    lost: u64,
}

/// What the first line that is lost and the first that is taken again are worth saying.
enum News {
    Lost(io::Error),
    Back(u64),
}

impl AuditFile {
    /// Opens it for appending, and makes it where it is not there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let state = State::open(path).map_err(|error| cannot(path, &error))?;
        Ok(Self(Arc::new(Audit { path: path.to_owned(), state: Mutex::new(state) })))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Opens the file that has the name now. Where that fails, lines go on to the one before.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn reopen(&self) -> Result<(), String> {
        let mut state = self.state();
        let fresh = State::open(self.path()).map_err(|error| cannot(self.path(), &error))?;
        *state = State { lost: state.lost, ..fresh };
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, line: &[u8]) {
        let news = self.state().append(self.path(), line);
        // The state is free again: these two are lines of the log, on their way through the layer that called.
        match news {
            None => {}
            Some(News::Lost(error)) => tracing::error!(
                cause = cannot(self.path(), &error),
                "audit lines are lost, and counted, until the file takes them; sessions go on"
            ),
            Some(News::Back(lost)) => {
                tracing::warn!(file = %self.path().display(), lost, "the audit file takes lines again");
            }
        }
    }
}

impl Write for AuditFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for AuditFile {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl State {
    fn open(path: &Path) -> io::Result<Self> {
        // It names customers and their addresses.
        let file = OpenOptions::new().create(true).read(true).append(true).mode(0o640).open(path)?;
        let is_torn = is_torn(&file)?;
        Ok(Self { file, is_torn, lost: 0 })
    }

    fn append(&mut self, path: &Path, line: &[u8]) -> Option<News> {
        match self.written(path, line) {
            Ok(()) if self.lost == 0 => None,
            Ok(()) => Some(News::Back(std::mem::take(&mut self.lost))),
            Err(error) => {
                LOST.fetch_add(1, Relaxed);
                self.lost += 1;
                (self.lost == 1).then_some(News::Lost(error))
            }
        }
    }

    fn written(&mut self, path: &Path, line: &[u8]) -> io::Result<()> {
        if self.lost > 0 {
            *self = Self { lost: self.lost, ..Self::open(path)? };
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        self.file.write_all(line)
    }
}

fn is_torn(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

fn cannot(path: &Path, error: &io::Error) -> String {
    format!("cannot append to {}: {error}; make room, or let the gateway's user write and read there", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn audit() -> (tempfile::TempDir, PathBuf, AuditFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let audit = AuditFile::open(&path).unwrap();
        (folder, path, audit)
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn lines_go_to_the_renamed_file_until_it_is_opened_again_and_to_the_new_one_then() {
        let (folder, path, mut audit) = audit();
        let renamed = folder.path().join("audit.log.1");
        audit.write_all(b"one\n").unwrap();
        fs::rename(&path, &renamed).unwrap();
        audit.write_all(b"two\n").unwrap();
        audit.reopen().unwrap();
        audit.clone().write_all(b"three\n").unwrap();
        assert_eq!((text(&renamed), text(&path)), ("one\ntwo\n".into(), "three\n".into()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0, "it names customers");
    }

    #[test]
    fn a_file_that_cannot_be_opened_again_leaves_the_one_before() {
        let (folder, path, mut audit) = audit();
        let renamed = folder.path().join("audit.log.1");
        fs::rename(&path, &renamed).unwrap();
        fs::create_dir(&path).unwrap();
        let cause = audit.reopen().unwrap_err();
        assert!(cause.contains("cannot append to") && cause.contains("make room"), "{cause}");
        audit.write_all(b"one\n").unwrap();
        assert_eq!(text(&renamed), "one\n");
    }

    #[test]
    fn f24_lines_that_find_a_full_disk_are_counted_and_the_next_one_after_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        symlink("/dev/full", &path).unwrap();
        let (mut audit, before) = (AuditFile::open(&path).unwrap(), lost());
        for _ in 0..3 {
            audit.write_all(b"lost\n").unwrap();
        }
        assert_eq!((lost() - before, audit.state().lost), (3, 3));
        fs::remove_file(&path).unwrap();
        audit.write_all(b"taken\n").unwrap();
        assert_eq!((lost() - before, audit.state().lost), (3, 0));
        assert_eq!(text(&path), "taken\n");
    }

    #[test]
    fn a_line_that_was_cut_spoils_no_other() {
        let (_folder, path, _) = audit();
        fs::write(&path, "whole\ncut").unwrap();
        let mut audit = AuditFile::open(&path).unwrap();
        audit.write_all(b"one\n").unwrap();
        audit.write_all(b"two\n").unwrap();
        assert_eq!(text(&path), "whole\ncut\none\ntwo\n");
    }
}
