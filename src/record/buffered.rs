//! A connection whose records rustls opens and seals itself: TLS 1.2, a suite not known here, or a configuration that asks
//! for it. No I/O.

use super::handshake::{Taken, encode, last_words, refused};
use super::layer::Kernel;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, Error};
use std::io::{self, ErrorKind};

/// A client's or a server's end of a connection, as rustls has it.
pub(super) trait Side: Send + Sync + 'static {
    type Data: 'static;

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
    fn common(&self) -> &CommonState;
    fn into_kernel(self) -> Result<Taken, Error>;
}

impl Side for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn into_kernel(self) -> Result<Taken, Error> {
        self.dangerous_into_kernel_connection().map(|(secrets, kernel)| (secrets, Kernel::Client(kernel)))
    }
}

impl Side for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn into_kernel(self) -> Result<Taken, Error> {
        self.dangerous_into_kernel_connection().map(|(secrets, kernel)| (secrets, Kernel::Server(kernel)))
    }
}

/// What a stream needs of it.
pub(super) trait Rustls: Send + Sync {
    /// Opens what came. Data is added to `plain`, what has to be answered to `out`. Whether the peer sends no more.
    fn open(&mut self, received: &[u8], plain: &mut Vec<u8>, out: &mut Vec<u8>) -> io::Result<bool>;
    /// Adds data, sealed.
    fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()>;
    /// Adds the alert that says goodbye.
    fn close(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
}

/// A connection of rustls, with what it has not used: rustls counts on seeing these bytes again, whatever is asked of it.
pub(super) struct Buffered<C> {
    connection: C,
    raw: Vec<u8>,
    /// What the peer broke. rustls is asked for nothing after that.
    broken: Option<Error>,
}

impl<C: Side> Buffered<C> {
    /// `raw`: what rustls was shown in the handshake and has not used.
    pub(super) const fn new(connection: C, raw: Vec<u8>) -> Self {
        Self { connection, raw, broken: None }
    }

    /// Writes where rustls is ready to. All that came has been opened already.
    #[allow(clippy::wildcard_enum_match_arm, reason = "rustls keeps its list of states open")]
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        mut write: impl FnMut(&mut WriteTraffic<'_, C::Data>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        loop {
            let UnbufferedStatus { discard, state } = self.connection.process(&mut self.raw);
            let done = match state.map_err(refused)? {
                ConnectionState::EncodeTlsData(mut data) => encode(out, |room| data.encode(room)).map(|()| false)?,
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    false
                }
                ConnectionState::WriteTraffic(mut traffic) => {
                    encode(out, |room| write(&mut traffic, room).map_err(insufficient))?;
                    true
                }
                ConnectionState::PeerClosed => false,
                _ => return Err(ErrorKind::BrokenPipe.into()),
            };
            self.raw.drain(..discard);
            if done {
                return Ok(());
            }
        }
    }
}

impl<C: Side> Rustls for Buffered<C> {
    fn open(&mut self, received: &[u8], plain: &mut Vec<u8>, out: &mut Vec<u8>) -> io::Result<bool> {
        if let Some(error) = &self.broken {
            return Err(refused(error.clone()));
        }
        self.raw.extend_from_slice(received);
        let mut closed = false;
        loop {
            let UnbufferedStatus { mut discard, state } = self.connection.process(&mut self.raw);
            let over = match state {
                Err(error) => {
                    self.broken = Some(error.clone());
                    let error = refused(error);
                    self.raw.drain(..discard);
                    last_words(&mut self.connection, &mut self.raw, &error, out);
                    return Err(error);
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(refused)?;
                        discard += record.discard;
                        plain.extend_from_slice(record.payload);
                    }
                    false
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(out, |room| data.encode(room)).map(|()| false)?
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    false
                }
                Ok(ConnectionState::PeerClosed) => {
                    closed = true;
                    false
                }
                Ok(ConnectionState::Closed) => {
                    closed = true;
                    true
                }
                Ok(_) => true,
            };
            self.raw.drain(..discard);
            if over {
                if self.raw.is_empty() {
                    self.raw = Vec::new();
                }
                return Ok(closed);
            }
        }
    }

    fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.write(out, |traffic, room| traffic.encrypt(plain, room))
    }

    fn close(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.write(out, |traffic, room| traffic.queue_close_notify(room))
    }
}

fn insufficient(error: EncryptError) -> EncodeError {
    match error {
        EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => {
            EncodeError::InsufficientSize(InsufficientSizeError { required_size })
        }
        EncryptError::EncryptExhausted => EncodeError::AlreadyEncoded,
    }
}
