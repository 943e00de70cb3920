//! The files that `init` writes: new ones only, secrets for nobody else, all or none.
//!
//! Owns modes and the undoing. Where the folder belongs to a group of its own (the gateway's, as the package makes it),
//! that group may read what is in it; else nobody but the owner may.

use crate::cli::exit::Stop;
use crate::config::Origin;
use crate::{hex, random};
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Files and folders made so far; dropped without [`Written::keep`], they are removed again.
#[derive(Debug)]
pub(super) struct Written {
    folder: PathBuf,
    group: Option<u32>,
    /// From the folder up.
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// Who may read what was written besides its owner.
#[derive(Debug)]
pub(super) struct Readers {
    /// The group of the folder, where it is not the owner's own.
    pub(super) group: Option<u32>,
    /// The uppermost folder that was made.
    pub(super) made: Option<PathBuf>,
}

impl Written {
    /// Nothing yet, in this folder, which is made where it is not there.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, Stop> {
        let cannot = |error| Stop::Failed(format!("{}: {error}", folder.display()));
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let folders = folder.ancestors().take_while(missing).map(Path::to_owned).collect();
        let mut written = Self { folder: folder.to_owned(), group: None, folders, files: Vec::new() };
        if !written.folders.is_empty() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
            std::fs::set_permissions(folder, Permissions::from_mode(0o750)).map_err(cannot)?;
        }
        let group = folder.metadata().map_err(cannot)?.gid();
        written.group = (group != rustix::process::getegid().as_raw()).then_some(group);
        Ok(written)
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
        if let Some(group) = self.group {
            chown(path, None, Some(group)).map_err(cannot)?;
        }
        // The umask may have taken the group's part away.
        file.set_permissions(Permissions::from_mode(mode)).map_err(cannot)?;
        file.write_all(content.as_ref()).map_err(cannot)
    }

    /// They stay; who may read them.
    pub(super) fn keep(mut self) -> Readers {
        self.files.clear();
        Readers { group: self.group, made: std::mem::take(&mut self.folders).pop() }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.files {
            // What failed is being said already; a file that cannot be removed is found by the next try.
            let _ = std::fs::remove_file(path);
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir(folder);
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
    let made = rcgen::generate_simple_self_signed([public_url.host().to_owned()])
        .map_err(|error| Stop::Failed(error.to_string()))?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}
