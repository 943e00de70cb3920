//! A customer whose guest gives back every byte: what comes back is compared with what was sent, by hash.

use super::client::{Client, Closed};
use super::gateway::{PATIENCE, Place, token};
use super::scene::is_terminal;
use aws_lc_rs::digest::{Context, SHA256};
use futures_util::StreamExt;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The most that is said at once.
const LONGEST: u64 = 600;

pub struct Customer {
    pub vmid: u32,
    pub client: Client,
    said: u64,
    chance: u64,
    sent: Context,
    back: Context,
}

/// A token for this guest's console.
pub fn token_of(vmid: u32) -> String {
    token(vmid, |claims| {
        claims["sub"] = json!(format!("customer-{vmid}"));
        if is_terminal(vmid) {
            claims["console"]["kind"] = json!("lxc");
            claims["console"]["protocol"] = json!("term");
        }
    })
}

/// A connection from this address of loopback.
pub async fn connect(place: &Place, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::V4(from), 0).into())?;
    timeout(PATIENCE, socket.connect(place.address)).await?
}

/// A console's WebSocket, from this address.
pub async fn open(place: &Place, token: &str, from: Ipv4Addr) -> Result<Client, String> {
    let told = |error: &dyn std::fmt::Display| format!("no console: {error}");
    let stream = connect(place, from).await.map_err(|error| told(&error))?;
    let mut request = format!("ws://{}/v1/ws", place.host).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let opened = timeout(PATIENCE, client_async(request, stream)).await.map_err(|error| told(&error))?;
    Ok(Client::of(opened.map_err(|error| told(&error))?.0))
}

impl Customer {
    pub async fn comes(place: &Place, vmid: u32) -> Result<Self, String> {
        Self::comes_from(place, vmid, Ipv4Addr::LOCALHOST).await
    }

    pub async fn comes_from(place: &Place, vmid: u32, from: Ipv4Addr) -> Result<Self, String> {
        let mut client = open(place, &token_of(vmid), from).await?;
        let opened = if is_terminal(vmid) { client.first_word().await } else { client.log_in().await.map(drop) };
        opened.map_err(|closed| format!("no console: {closed:?}"))?;
        let [sent, back] = [(); 2].map(|()| Context::new(&SHA256));
        Ok(Self { vmid, client, said: 0, chance: u64::from(vmid), sent, back })
    }

    /// Says something that was not said before and hears it again; how long that took.
    pub async fn talks(&mut self) -> Result<Duration, Closed> {
        let (words, began) = (self.words(), Instant::now());
        self.sent.update(&words);
        if is_terminal(self.vmid) {
            // As termproxy reads it.
            self.client.try_send(&[format!("0:{}:", words.len()).as_bytes(), &words].concat()).await?;
        } else {
            self.client.try_send(&words).await?;
        }
        self.back.update(&self.client.read(words.len()).await?);
        let [sent, back] = [&self.sent, &self.back].map(|so_far| so_far.clone().finish());
        if sent.as_ref() != back.as_ref() {
            return Err(Closed { code: 0, reason: format!("guest {} gave back other bytes", self.vmid) });
        }
        Ok(began.elapsed())
    }

    /// Numbered, and of bytes that a seed gives again (Marsaglia's xorshift).
    fn words(&mut self) -> Vec<u8> {
        let mut next = || {
            for (left, by) in [(true, 13), (false, 7), (true, 17)] {
                self.chance ^= if left { self.chance << by } else { self.chance >> by };
            }
            self.chance
        };
        self.said += 1;
        let mut words = format!("{}/{}:", self.vmid, self.said).into_bytes();
        let length = next() % LONGEST;
        words.extend((0..length).map(|_| b'a' + (next() % 26) as u8));
        words
    }
}

impl Client {
    /// The empty message that says that a terminal is open.
    async fn first_word(&mut self) -> Result<(), Closed> {
        match timeout(PATIENCE, self.socket.next()).await.expect("the gateway says something") {
            Some(Ok(Message::Binary(data))) if data.is_empty() => Ok(()),
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() })
            }
            other => Err(Closed { code: 1006, reason: format!("{other:?}") }),
        }
    }
}
