//! HAProxy as a WebSocket proxy of one thread, with its defaults wherever they let a console through.

use crate::Outcome;
use crate::ground::Ground;
use std::net::SocketAddr;

/// Writes its configuration; the command that runs it.
pub fn command(ground: &Ground, address: SocketAddr) -> Outcome<Vec<String>> {
    let (both, node) = (ground.certificates.path("both.pem"), ground.node);
    let text = format!(
        r"
global
    nbthread 1
    maxconn {most}
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-server-options ssl-min-ver TLSv1.3
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend public
    bind {address} ssl crt {both} backlog 4096
    default_backend nodes
backend nodes
    server node {node} ssl verify none
",
        both = both.display(),
        most = ground.most_sessions()
    );
    let name = format!("haproxy-{}.cfg", address.port());
    ground.certificates.write(&name, &text)?;
    let configuration = ground.certificates.path(&name).display().to_string();
    Ok(["/usr/sbin/haproxy", "-db", "-f", &configuration].map(str::to_owned).to_vec())
}
