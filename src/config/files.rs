//! The files a configuration names: found, checked for who may touch them, and read once.
//!
//! Owns paths relative to the configuration's folder, `${CREDENTIALS_DIRECTORY}` (systemd credentials), file modes and
//! sizes. Never follows a FIFO or device, never reads more than 1 MiB, never puts content into a problem.

use super::problem::{Report, Written};
use crate::secret::Secret;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No file of a configuration, and no configuration, is larger.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Who may touch a file.
#[derive(Clone, Copy)]
enum Access {
    /// The owner, and readers of the group.
    Private,
    /// Written by the owner and the group; read by anybody.
    Public,
}

/// The folder of the configuration: what its file names are relative to.
#[derive(Clone, Copy)]
pub(super) struct Folder<'a> {
    path: &'a Path,
    report: &'a Report,
}

impl<'a> Folder<'a> {
    pub(super) const fn new(path: &'a Path, report: &'a Report) -> Self {
        Self { path, report }
    }

    /// The full path of a file that is named in the configuration.
    pub(super) fn path_of(self, name: &Written<String>) -> Option<PathBuf> {
        let Some(reference) = name.value.strip_prefix("${") else {
            if name.value.contains("${") || name.value.starts_with('$') {
                let what = format!("{:?} refers to the environment in the middle", name.value);
                self.report.wrong(&name.place, what, format!("only ${{{CREDENTIALS}}}/name at the start is replaced"));
                return None;
            }
            return Some(self.path.join(&name.value));
        };
        let Some((CREDENTIALS, rest)) = reference.split_once("}/") else {
            let what = format!("{:?} is an undefined reference", name.value);
            self.report.wrong(&name.place, what, format!("only ${{{CREDENTIALS}}}/name is replaced"));
            return None;
        };
        let Some(folder) = std::env::var_os(CREDENTIALS) else {
            let what = format!("{CREDENTIALS} is not in the environment");
            self.report.wrong(&name.place, what, "add LoadCredential= to the systemd unit, or name the file's path");
            return None;
        };
        Some(Path::new(&folder).join(rest))
    }

    /// What stands in a file that only the gateway may read. Of a text, the line break at its end is not part.
    pub(super) fn secret(self, name: &Written<String>) -> Option<Secret> {
        let bytes = Zeroizing::new(self.read(name, Access::Private)?);
        let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| !text.trim_end().contains(char::is_control));
        let end = if is_text { line_end(&bytes) } else { bytes.len() };
        let content = bytes.get(..end).unwrap_or_default();
        if content.is_empty() {
            self.report.wrong(&name.place, format!("{} is empty", name.value), "write the secret into it");
            return None;
        }
        Some(Secret::new(content))
    }

    /// What stands in a file that is no secret, but that others must not change.
    pub(super) fn public(self, name: &Written<String>) -> Option<Vec<u8>> {
        self.read(name, Access::Public)
    }

    fn read(self, name: &Written<String>, access: Access) -> Option<Vec<u8>> {
        let path = self.path_of(name)?;
        match read_file(&path, access) {
            Ok(bytes) => Some(bytes),
            Err((what, fix)) => {
                self.report.wrong(&name.place, what, fix);
                None
            }
        }
    }
}

/// Reads the configuration itself; the error is problem and cure.
pub(super) fn read_configuration(path: &Path) -> Result<Vec<u8>, (String, String)> {
    read_file(path, Access::Public)
}

fn read_file(path: &Path, access: Access) -> Result<Vec<u8>, (String, String)> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let fix = if path.is_relative() || error.kind() != std::io::ErrorKind::NotFound {
            "let the gateway's user read it"
        } else {
            "correct the name, which is relative to the configuration's folder, or make the file"
        };
        (format!("{shown} cannot be read: {error}"), fix.to_owned())
    };
    // Asked before the file is opened: opening a FIFO would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err((format!("{shown} is not a regular file"), "name a file".to_owned()));
    }
    check_access(path, &metadata, access)?;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err((format!("{shown} is larger than 1 MiB"), "name the right file".to_owned()));
    }
    Ok(bytes)
}

fn check_access(path: &Path, metadata: &Metadata, access: Access) -> Result<(), (String, String)> {
    let mode = metadata.mode() & 0o777;
    let shown = path.display();
    match access {
        Access::Private if mode & 0o007 != 0 => {
            Err((format!("{shown} is open to every user (mode {mode:04o})"), format!("chmod 640 {shown}")))
        }
        Access::Private if mode & 0o020 != 0 => {
            Err((format!("{shown} can be changed by its group (mode {mode:04o})"), format!("chmod 640 {shown}")))
        }
        Access::Public if mode & 0o002 != 0 => {
            Err((format!("{shown} can be changed by every user (mode {mode:04o})"), format!("chmod o-w {shown}")))
        }
        Access::Private | Access::Public => Ok(()),
    }
}

/// Where the content of a text ends that may end in a line break.
fn line_end(bytes: &[u8]) -> usize {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}
