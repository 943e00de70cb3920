//! Records of an established TLS 1.3 connection, from a peer that has the keys and means no good.

use super::input::Input;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use consolegate::config::Engine;
use consolegate::record::{TlsStream, accept};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConnectionTrafficSecrets, RootCertStore, ServerConfig, version};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio_rustls::TlsConnector;

/// What came out is what was sealed as data, up to the first record that was changed on its way.
pub fn records(data: &[u8]) {
    let (mut ours, mut wire, mut sealer) = established();
    let (mut input, mut sent, mut got, mut intact) = (Input(data), Vec::new(), Vec::new(), true);
    while !input.is_empty() {
        let (kind, how) = (input.byte(), input.byte());
        let len = usize::from(input.byte()) << how_long(kind);
        let content = input.bytes(len);
        let kind = [23, 23, 22, 21, 0, 20, 24, 255][usize::from(kind & 7)];
        let mut record = sealer.seal(kind, content, usize::from(how >> 4) * 16);
        match how & 15 {
            0 => {
                let at = record.len() - 1 - usize::from(input.byte()) % record.len();
                record[at] ^= 1 << (input.byte() & 7);
                // The version means nothing (RFC 8446 5.1), and is sealed with the rest all the same.
                intact = false;
            }
            1 => {
                record.truncate(usize::from(input.byte()) % record.len());
                intact = false;
            }
            2 => {
                record = input.bytes(len).to_vec();
                intact = false;
            }
            _ if intact => sent.extend_from_slice(data_in(content, kind)),
            _ => {}
        }
        if !write(&mut wire, &record) {
            break;
        }
        if !read(&mut ours, &mut got) {
            break;
        }
    }
    assert!(sent.starts_with(&got), "nothing comes out that was not sealed as data, in its order");
}

/// What counts as data: the type of a record is its last byte that is not zero (RFC 8446 5.4), so where we write none, the
/// content has it.
fn data_in(content: &[u8], kind: u8) -> &[u8] {
    if kind != 0 {
        return if kind == 23 { content } else { &[] };
    }
    let end = content.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    if content.get(end) == Some(&23) { &content[..end] } else { &[] }
}

/// Bits by which a length of one byte grows, so that some records are as large as they can be.
const fn how_long(kind: u8) -> u32 {
    if kind & 0x80 == 0 { 0 } else { 6 }
}

fn write(wire: &mut DuplexStream, bytes: &[u8]) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    matches!(Pin::new(wire).poll_write(&mut cx, bytes), Poll::Ready(Ok(count)) if count == bytes.len())
}

/// Reads all there is; false at the end.
fn read(ours: &mut TlsStream<DuplexStream>, got: &mut Vec<u8>) -> bool {
    let (mut cx, mut room) = (Context::from_waker(Waker::noop()), vec![0; 40_000]);
    loop {
        let mut buffer = ReadBuf::new(&mut room);
        match Pin::new(&mut *ours).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => return true,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => got.extend_from_slice(buffer.filled()),
            Poll::Ready(Ok(()) | Err(_)) => return false,
        }
    }
}

/// A peer's sealing key, with no rule about what it seals (RFC 8446 5.2, 5.3).
struct Sealer {
    key: LessSafeKey,
    iv: [u8; 12],
    next: u64,
}

impl Sealer {
    fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let mut sealed = content.to_vec();
        sealed.push(kind);
        sealed.resize(sealed.len() + padding, 0);
        let [high, low] = u16::try_from(sealed.len() + 16).expect("a short record").to_be_bytes();
        let header = [23, 3, 3, high, low];
        let mut nonce = self.iv;
        nonce.iter_mut().rev().zip(self.next.to_le_bytes()).for_each(|(byte, count)| *byte ^= count);
        self.next += 1;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut sealed).expect("room");
        [&header[..], &sealed].concat()
    }
}

/// Ours as the server of a connection, the other end of its transport, and what its client seals with.
fn established() -> (TlsStream<DuplexStream>, DuplexStream, Sealer) {
    static CONFIGS: OnceLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = OnceLock::new();
    let (server, client) = CONFIGS.get_or_init(configs);
    let (left, right) = duplex(1 << 17);
    let name = ServerName::try_from("node.example").expect("a name");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let connecting = TlsConnector::from(Arc::clone(client)).connect(name, right);
    let shaking = async { tokio::join!(accept(left, Arc::clone(server), Engine::Auto), connecting) };
    let (ours, theirs) = runtime.block_on(shaking);
    let (ours, (wire, theirs)) = (ours.expect("ours"), theirs.expect("theirs").into_inner());
    assert!(ours.is_in_place());
    let (next, secrets) = theirs.dangerous_extract_secrets().expect("they may be taken").tx;
    let ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else { panic!("one suite") };
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("a key"));
    (ours, wire, Sealer { key, iv: iv.as_ref().try_into().expect("12 bytes"), next })
}

fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let suite = provider::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let groups = vec![provider::kx_group::X25519];
    let provider = CryptoProvider { cipher_suites: vec![suite], kx_groups: groups, ..provider::default_provider() };
    let provider = Arc::new(provider);
    let made = rcgen::generate_simple_self_signed(["node.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_protocol_versions(&[&version::TLS13]).expect("1.3").with_no_client_auth();
    let mut server = server.with_single_cert(vec![made.cert.der().clone()], key).expect("its key");
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13]);
    let mut client = client.expect("1.3").with_root_certificates(roots).with_no_client_auth();
    server.send_tls13_tickets = 0;
    (server.enable_secret_extraction, client.enable_secret_extraction) = (true, true);
    (Arc::new(server), Arc::new(client))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, how: u8, content: &[u8]| [&[kind, how, content.len() as u8][..], content].concat();
    let data = record(0, 3, b"data");
    let key_update = record(2, 3, &[24, 0, 0, 1, 1]);
    let parts = [record(2, 3, &[24, 0, 0]), record(2, 3, &[1, 0])].concat();
    let close = record(3, 3, &[1, 0]);
    let large = [&[0x80, 3, 255][..], &[9; 255 << 6]].concat();
    vec![
        [data.clone(), record(0, 0xf3, b"padded"), close, data.clone()].concat(),
        [data.clone(), key_update, data.clone()].concat(),
        [parts, data.clone()].concat(),
        [data.clone(), record(0, 0, b"changed"), vec![3, 1], data.clone()].concat(),
        [data.clone(), record(0, 1, b"cut"), vec![9], data.clone()].concat(),
        [large, record(4, 3, b"no type"), data.clone()].concat(),
        [record(4, 0xf3, b"its own type\x17\0\0"), data.clone()].concat(),
        [record(0, 3, b"").repeat(70), data].concat(),
    ]
}
