//! The balancers' configurations of `deploy/`, run by the balancers, in front of two gateways.

use super::fleet::{CLIENT, Fleet, HOST, STILL, connect, free_port, idle, open, request, ticket};
use super::gateway::PATIENCE;
use super::{replaced, text};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
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
                ("bind :443,[::]:443 v6only ssl crt /etc/haproxy/console.example.com.pem alpn http/1.1", &bind),
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
    start_before::<K>(fleet.addresses()).await
}

async fn start_before<K: Kind>([one, two]: [String; 2]) -> Balancer {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().await;
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

/// What says yes to every GET, and counts the presses that reach it: it does them and then its connection breaks, or it
/// answers.
async fn stand_in(presses: Arc<AtomicUsize>, answers: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let presses = Arc::clone(&presses);
            tokio::spawn(async move {
                let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
                // The PROXY header of version 2 begins with empty lines.
                while !asked.windows(5).any(|end| end[0] != b'\n' && end[1..] == *b"\r\n\r\n") {
                    match stream.read(&mut piece).await {
                        Ok(count) if count > 0 => asked.extend_from_slice(&piece[..count]),
                        _ => return,
                    }
                }
                let is_press = asked.windows(5).any(|word| word == b"POST ");
                if is_press {
                    presses.fetch_add(1, Ordering::SeqCst);
                }
                if !is_press || answers {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    address
}

async fn press(balancer: &Balancer) -> String {
    let mut stream = connect(balancer.address).await;
    let text = format!(
        "POST /v1/sessions/1f3c9a02/power HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 18\r\n\r\n\
         {{\"action\":\"reset\"}}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer
}

/// L09: a press that reached a gateway is not repeated at the other one, whatever came of it; one that reached none is.
async fn l09_a_machine_is_switched_once<K: Kind>() {
    let presses = Arc::new(AtomicUsize::new(0));
    let broken = [stand_in(Arc::clone(&presses), false).await, stand_in(Arc::clone(&presses), false).await];
    let answer = press(&start_before::<K>(broken).await).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert_eq!(presses.load(Ordering::SeqCst), 1);

    let presses = Arc::new(AtomicUsize::new(0));
    let dead = format!("127.0.0.1:{}", free_port().await);
    let balancer = start_before::<K>([dead, stand_in(Arc::clone(&presses), true).await]).await;
    for count in 1..=4 {
        let answer = press(&balancer).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(presses.load(Ordering::SeqCst), count);
    }
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

            #[tokio::test]
            async fn l09_a_machine_is_switched_once() {
                super::l09_a_machine_is_switched_once::<$kind>().await;
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
    let list = text.split_once("middlewares: [").unwrap().1.split_once(']').unwrap().0;
    for name in list.split(", ") {
        assert!(text.lines().any(|line| line == format!("    {name}:")), "{name}");
    }
}
