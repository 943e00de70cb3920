//! The balancers' configurations of `deploy/`, run by the balancers, in front of two gateways.

use super::fleet::{CLIENT, Fleet, STILL, free_port, idle, open, request, ticket};
use super::gateway::PATIENCE;
use super::{replaced, text};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What the gateways are called in the files.
const GATES: [&str; 2] = ["10.0.0.21:8080", "10.0.0.22:8080"];

/// A balancer that runs until it is dropped.
struct Balancer {
    address: SocketAddr,
    _child: Child,
    _folder: tempfile::TempDir,
}

/// One of the three, and what of its file is made fit for a test.
trait Kind {
    /// Whether it names its clients in PROXY headers.
    const PROXY: bool = false;

    /// Writes its files and gives the command that runs it in the foreground.
    fn prepare(folder: &Path, gates: [&str; 2], port: u16) -> Command;
}

struct Haproxy;
struct Nginx;
struct Caddy;

impl Kind for Haproxy {
    const PROXY: bool = true;

    fn prepare(folder: &Path, [one, two]: [&str; 2], port: u16) -> Command {
        let bind = format!("bind 127.0.0.1:{port}");
        let text = replaced(
            text("deploy/balancers/haproxy.cfg"),
            &[
                ("bind :443 ssl crt /etc/haproxy/console.example.com.pem alpn http/1.1", &bind),
                ("maxconn 40000", "maxconn 200"),
                ("timeout tunnel 75s", "timeout tunnel 3s"),
                ("hdr Host console.example.com", "hdr Host console.test"),
                (GATES[0], one),
                (GATES[1], two),
            ],
        );
        let path = folder.join("haproxy.cfg");
        fs::write(&path, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(path);
        command
    }
}

impl Kind for Nginx {
    fn prepare(folder: &Path, [one, two]: [&str; 2], port: u16) -> Command {
        let listen = format!("listen 127.0.0.1:{port}");
        let site = replaced(
            text("deploy/balancers/nginx.conf"),
            &[
                ("    listen [::]:443 ssl;\n", ""),
                ("listen 443 ssl", &listen),
                ("    ssl_certificate     /etc/nginx/console.example.com.pem;\n", ""),
                ("    ssl_certificate_key /etc/nginx/console.example.com.key;\n", ""),
                ("server_name console.example.com", "server_name console.test"),
                ("_timeout 75s", "_timeout 3s"),
                (GATES[0], one),
                (GATES[1], two),
            ],
        );
        fs::write(folder.join("site.conf"), site).unwrap();
        let here = folder.display();
        let main = format!(
            "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log stderr;\nevents {{ worker_connections 512; }}\n\
             http {{\n access_log off;\n client_body_temp_path {here}/body;\n proxy_temp_path {here}/proxy;\n\
             fastcgi_temp_path {here}/f;\n uwsgi_temp_path {here}/u;\n scgi_temp_path {here}/s;\n include {here}/site.conf;\n}}\n"
        );
        let path = folder.join("nginx.conf");
        fs::write(&path, main).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(path);
        command
    }
}

impl Kind for Caddy {
    fn prepare(folder: &Path, [one, two]: [&str; 2], port: u16) -> Command {
        let site = format!("http://:{port} {{\n\tbind 127.0.0.1\n");
        let text = replaced(
            text("deploy/balancers/Caddyfile"),
            &[
                ("console.example.com {\n", &site),
                ("read_timeout 75s", "read_timeout 3s"),
                ("write_timeout 75s", "write_timeout 3s"),
                (GATES[0], one),
                (GATES[1], two),
            ],
        );
        let path = folder.join("Caddyfile");
        fs::write(&path, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(path);
        command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
        command
    }
}

async fn start<K: Kind>(fleet: &Fleet) -> Balancer {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().await;
    let [one, two] = fleet.addresses();
    let mut command = K::prepare(folder.path(), [&one, &two], port);
    let log = fs::File::create(folder.path().join("log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().unwrap_or_else(|error| panic!("{error} (run `make setup`)"));
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let up = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        while !request(address, "GET /healthz", "").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    if timeout(PATIENCE, up).await.is_err() {
        panic!("it does not start: {}", fs::read_to_string(folder.path().join("log")).unwrap());
    }
    Balancer { address, _child: child, _folder: folder }
}

/// Consoles open through it at both gateways, with tickets that one of them sealed, and the client's own address is
/// written down whatever the client says.
async fn consoles_open_at_both_gateways_and_say_who_came<K: Kind>() {
    let fleet = Fleet::start(20, K::PROXY).await;
    let balancer = start::<K>(&fleet).await;
    let page = request(balancer.address, "GET /console", "").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/html"), "{page}");

    let mut held = Vec::new();
    for _ in 0..6 {
        let ticket = fleet.ticket_of_the_first(100).await;
        let mut client = open(balancer.address, &ticket).await;
        client.log_in().await.unwrap();
        client.first_update(640, 400).await.unwrap();
        held.push(client);
    }
    for gateway in &fleet.gateways {
        let line = gateway.says("session.opened").await;
        assert!(line.contains(&format!("\"src\":\"{CLIENT}\"")), "{line}");
    }
    assert!(
        !fleet.gateways.iter().any(|gateway| gateway.logged().contains("203.0.113.")),
        "a client's own word counted"
    );
    // The whole way of the page: both calls through the balancer.
    let ticket = ticket(balancer.address, 100).await;
    open(balancer.address, &ticket).await.log_in().await.unwrap();
}

/// F28: its idle limit is 3 s here. Pings keep a console on which nothing happens; without them it is cut.
async fn f28_an_idle_console_outlives_the_idle_limit_by_pings_alone<K: Kind>() {
    let fleet = Fleet::start(1, K::PROXY).await;
    let balancer = start::<K>(&fleet).await;
    let ticket_ = ticket(balancer.address, STILL).await;
    let mut client = open(balancer.address, &ticket_).await;
    client.log_in().await.unwrap();
    client.first_update(64, 64).await.unwrap();
    idle(&mut client, 8).await.unwrap();
    client.first_update(64, 64).await.unwrap();
    let late = request(balancer.address, "GET /console", "").await;
    assert!(late.starts_with("HTTP/1.1 200"), "its own checks of both gateways failed meanwhile: {late}");

    let silent = Fleet::start(20, K::PROXY).await;
    let balancer = start::<K>(&silent).await;
    let ticket_ = ticket(balancer.address, STILL).await;
    let mut client = open(balancer.address, &ticket_).await;
    client.log_in().await.unwrap();
    client.first_update(64, 64).await.unwrap();
    let cut = idle(&mut client, 1).await;
    assert!(cut.as_ref().is_err_and(|why| why.starts_with("after 0 pings")), "{cut:?}");
}

macro_rules! balancers {
    ($($name:ident $kind:ty;)+) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn consoles_open_at_both_gateways_and_say_who_came() {
                super::consoles_open_at_both_gateways_and_say_who_came::<$kind>().await;
            }

            #[tokio::test]
            async fn f28_an_idle_console_outlives_the_idle_limit_by_pings_alone() {
                super::f28_an_idle_console_outlives_the_idle_limit_by_pings_alone::<$kind>().await;
            }
        })+
    };
}

balancers! {
    haproxy Haproxy;
    nginx Nginx;
    caddy Caddy;
}

/// Traefik is not in Debian: its file is read, not run.
#[test]
fn traefik_is_told_of_both_gateways_and_their_readiness() {
    let text = text("deploy/balancers/traefik.yml");
    for part in ["http://10.0.0.21:8080", "http://10.0.0.22:8080", "path: /readyz", "Host(`console.example.com`)"] {
        assert!(text.contains(part), "{part}");
    }
}
