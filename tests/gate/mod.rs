//! A gateway's folder for tests: a throw-away folder with every file that the example configurations name.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder; gone when dropped.
pub(crate) struct Gate(tempfile::TempDir);

impl Gate {
    /// A folder with certificates, keys and secrets, and no configuration yet.
    pub(crate) fn new() -> Self {
        let gate = Self(tempfile::tempdir().unwrap());
        let server = rcgen::generate_simple_self_signed(["console.example.com".to_owned()]).unwrap();
        gate.write("fullchain.pem", server.cert.pem(), 0o644);
        gate.write("privkey.pem", server.signing_key.serialize_pem(), 0o640);
        let authority = rcgen::generate_simple_self_signed(["Proxmox".to_owned()]).unwrap();
        gate.write("pve-root-ca.pem", authority.cert.pem(), 0o644);
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        gate.write("panel-ed25519.pem", signing.public_key_pem(), 0o644);
        gate.write("panel.key", "0123456789abcdef0123456789abcdef0123456789abcdef\n", 0o640);
        gate.write("session.key", "fedcba9876543210fedcba9876543210\n", 0o600);
        gate.write("pve.secret", "11111111-2222-3333-4444-555555555555\n", 0o640);
        gate.write("pve.password", "correct horse battery staple\n", 0o640);
        gate
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file with exactly this mode.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}
