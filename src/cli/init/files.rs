//! The files that `init` writes: new ones only, secrets for nobody else, all or none.
//!
//! Owns modes and the undoing. Where the folder belongs to a group of its own (the gateway's, as the package makes it),
//! that group may read what is in it; else nobody but the owner may.

use crate::cli::exit::Stop;
use crate::config::Origin;
use crate::{hex, random};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Files written so far; dropped without [`Written::keep`], they are removed again.
#[derive(Debug)]
pub(super) struct Written {
    folder: PathBuf,
    group: Option<u32>,
    files: Vec<PathBuf>,
}

impl Written {
    /// Nothing yet, in this folder, which is made where it is not there.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, Stop> {
        let cannot = |error| Stop::Failed(format!("{}: {error}", folder.display()));
        if !folder.exists() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o750)).map_err(cannot)?;
        }
        let group = folder.metadata().map_err(cannot)?.gid();
        let own = rustix::process::getegid().as_raw();
        Ok(Self { folder: folder.to_owned(), group: (group != own).then_some(group), files: Vec::new() })
    }

    /// A file that only the gateway may read.
    pub(super) fn secret(&mut self, name: &str, content: impl AsRef<[u8]>) -> Result<(), Stop> {
        let mode = if self.group.is_some() { 0o640 } else { 0o600 };
        self.file(&self.folder.join(name), content, mode)
    }

    /// A file that anybody may read.
    pub(super) fn public(&mut self, name: &str, content: impl AsRef<[u8]>) -> Result<(), Stop> {
        self.file(&self.folder.join(name), content, 0o644)
    }

    /// A file that is not there yet.
    pub(super) fn file(&mut self, path: &Path, content: impl AsRef<[u8]>, mode: u32) -> Result<(), Stop> {
        let cannot = |error: std::io::Error| {
            let path = path.display();
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return Stop::Failed(format!("{path}: {error}"));
            }
            let cure = "nothing is overwritten; move it away, or name another place with --config";
            Stop::Failed(format!("{path} is there already, and {cure}"))
        };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(cannot)?;
        self.files.push(path.to_owned());
        file.write_all(content.as_ref()).map_err(cannot)?;
        if let Some(group) = self.group {
            chown(path, None, Some(group)).map_err(cannot)?;
        }
        Ok(())
    }

    /// They stay.
    pub(super) fn keep(mut self) {
        self.files.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.files {
            // What failed is being said already; a file that cannot be removed is found by the next try.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A fresh key: 32 random bytes in hexadecimal, and the end of the line.
pub(super) fn key() -> Result<String, Stop> {
    let bytes = random::bytes::<32>().map_err(|error| Stop::Failed(error.to_string()))?;
    Ok(format!("{}\n", hex::lower(&bytes)))
}

/// A certificate of its own making for the public name, so that the gateway starts: chain and key in PEM.
pub(super) fn own_certificate(public_url: &Origin) -> Result<(String, String), Stop> {
    let authority = public_url.authority();
    let host =
        authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let made = rcgen::generate_simple_self_signed([host]).map_err(|error| Stop::Failed(error.to_string()))?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}
