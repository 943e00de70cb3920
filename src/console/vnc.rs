//! The VNC login on both legs (RFC 6143 section 7.1), each a byte stream whatever its frames are.
//!
//! Authenticates to the node and offers type None to the browser, so that no ticket or password reaches it. Never reads
//! a byte after ServerInit's turn. The node's texts go to no one: they are untrusted and may name things.

use crate::reason::{Failure, Reason};
use crate::record::IntoTransport;
use crate::secret::Secret;
use crate::splice::{Leg, LegError};
use crate::wire::rfb::{
    RESULT_FAILED, RESULT_OK, SECURITY_NONE, SECURITY_VNC, VERSION_38, VERSION_LEN, Version, reason,
};
use crate::wire::vnc_auth::respond;

/// Plays the server for the browser, up to and with its ClientInit. Its shared flag is read and forgotten: the node
/// always hears 1, because 0 throws out every other viewer (R14).
///
/// # Errors
/// `rfb_client`, or how the leg ended.
pub(super) async fn greet<S>(client: &mut Leg<S>) -> Result<(), Failure>
where
    S: IntoTransport,
{
    client.send(VERSION_38).await.map_err(client_end)?;
    let version = client.take::<VERSION_LEN>().await.map_err(client_end)?;
    match Version::parse(&version) {
        None => return Err(Failure::new(Reason::RfbClient, "the browser's RFB version is unreadable")),
        Some(Version::V33) => client.send(&u32::from(SECURITY_NONE).to_be_bytes()).await.map_err(client_end)?,
        Some(version) => {
            client.send(&[1, SECURITY_NONE]).await.map_err(client_end)?;
            let [choice] = client.take().await.map_err(client_end)?;
            if choice != SECURITY_NONE {
                let refusal = [&RESULT_FAILED[..], &reason("security type not offered")].concat();
                client.send(&refusal).await.map_err(client_end)?;
                return Err(Failure::new(Reason::RfbClient, format!("the browser chose security type {choice}")));
            }
            if version == Version::V38 {
                client.send(&RESULT_OK).await.map_err(client_end)?;
            }
        }
    }
    let [_shared] = client.take().await.map_err(client_end)?;
    Ok(())
}

/// How the browser's leg ended, as a failure.
pub(super) fn client_end(error: LegError) -> Failure {
    Failure::new(error.client_reason(), error.to_string())
}

/// Logs in to the node, up to its SecurityResult.
///
/// The gateway speaks one security type and names it with the version instead of in answer to the list (7.1.2): a peer that
/// reads a byte stream cannot tell, and a round trip is spared. The password is used only once the list has offered the type.
///
/// # Errors
/// `rfb_version`, `rfb_refused`, `rfb_insecure_upstream`, `rfb_no_type`, `rfb_auth`, or how the leg ended.
pub(super) async fn log_in<S>(node: &mut Leg<S>, password: &Secret) -> Result<(), Failure>
where
    S: IntoTransport,
{
    let version = node.take::<VERSION_LEN>().await.map_err(node_end)?;
    let spoken = match Version::parse(&version) {
        // Never a higher one than the server's (7.1.1); what follows is the same in both.
        Some(Version::V37) => &version,
        Some(Version::V38) => VERSION_38,
        Some(Version::V33) | None => {
            return Err(Failure::new(
                Reason::RfbVersion,
                format!("the node said {:?}", version.escape_ascii().to_string()),
            ));
        }
    };
    node.send(&[&spoken[..], &[SECURITY_VNC]].concat()).await.map_err(node_end)?;
    let [count] = node.take().await.map_err(node_end)?;
    if count == 0 {
        return Err(Reason::RfbRefused.into());
    }
    let types = node.take_some(usize::from(count)).await.map_err(node_end)?;
    if !types.contains(&SECURITY_VNC) {
        let reason = if types.contains(&SECURITY_NONE) { Reason::RfbInsecureUpstream } else { Reason::RfbNoType };
        return Err(Failure::new(reason, format!("the node offers security types {:?}", &types[..])));
    }
    let challenge = node.take::<16>().await.map_err(node_end)?;
    node.send(&respond(password.reveal(), challenge)).await.map_err(node_end)?;
    match node.take::<4>().await.map_err(node_end)? {
        RESULT_OK => Ok(()),
        result => Err(Failure::new(Reason::RfbAuth, format!("SecurityResult {}", u32::from_be_bytes(result)))),
    }
}

/// Opens the shared session at the node; its ServerInit is the browser's.
///
/// # Errors
/// How the leg ended.
pub(super) async fn begin<S>(node: &mut Leg<S>) -> Result<(), Failure>
where
    S: IntoTransport,
{
    node.send(&[1]).await.map_err(node_end)
}

fn node_end(error: LegError) -> Failure {
    Failure::new(error.node_reason(), format!("during the VNC handshake: {error}"))
}

#[cfg(test)]
#[path = "vnc_tests.rs"]
mod tests;
