//! Listening sockets that outlive the gateway, and what it tells systemd.

use super::gateway::{PATIENCE, configuration, keys};
use super::process::Process;
use consolegate::sim::{Sim, SimConfig};
use rustix::process::Signal;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

const HOST: &str = "console.test";
const BINARY: &str = env!("CARGO_BIN_EXE_consolegate");

/// Two sockets that listen, and a configuration with their addresses.
struct Scene {
    public: TcpListener,
    admin: TcpListener,
    config: PathBuf,
    folder: tempfile::TempDir,
    sim: Sim,
}

impl Scene {
    async fn new() -> Self {
        let sim = Sim::start(SimConfig::quick()).await.unwrap();
        let folder = keys(&sim);
        let [public, admin] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let scene = Self { public, admin, config: folder.path().join("consolegate.toml"), folder, sim };
        scene.configure(scene.address(), scene.admin.local_addr().unwrap());
        scene
    }

    fn configure(&self, public: SocketAddr, admin: SocketAddr) {
        let extra = "[drain]\nlame_duck = 1\ndeadline = 1\nspread = 1\n[log]\nformat = \"json\"\n";
        let text = configuration(HOST, &self.sim, &["pve1"], extra);
        let any = "address = \"127.0.0.1:0\"";
        let text = [public, admin].iter().fold(text, |text, at| text.replacen(any, &format!("address = \"{at}\""), 1));
        std::fs::write(&self.config, text).unwrap();
    }

    fn address(&self) -> SocketAddr {
        self.public.local_addr().unwrap()
    }

    /// A gateway that finds these two from descriptor 3 on, as `sd_listen_fds(3)` says.
    fn gateway(&self, names: &str) -> Command {
        self.given(names, OwnedFd::from(self.public.try_clone().unwrap()).into())
    }

    fn given(&self, names: &str, first: Stdio) -> Command {
        let script = "exec 3<&0 4<&1 < /dev/null > /dev/null; export LISTEN_PID=$$; exec \"$0\" serve --config \"$1\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, BINARY]).arg(&self.config).stdin(first);
        command.stdout(OwnedFd::from(self.admin.try_clone().unwrap()));
        command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
        command
    }
}

async fn asked(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("nobody is refused");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: console.test\r\nConnection: close\r\n\r\n").await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("an answer").unwrap();
    text
}

#[tokio::test]
async fn d05_who_comes_while_no_gateway_runs_is_answered_by_the_next_one() {
    let scene = Scene::new().await;
    let first = Process::run(scene.gateway("public:admin"), HOST).await;
    first.says("listen.address: took over a socket").await;
    first.says("admin.address: took over a socket").await;
    assert_eq!((first.place.address, first.place.admin), (scene.address(), scene.admin.local_addr().unwrap()));
    assert!(answer(asked(scene.address()).await).await.starts_with("HTTP/1.1 200"));
    first.stop().await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(asked(scene.address()).await);
    }
    let second = Process::run(scene.gateway("public:admin"), HOST).await;
    for stream in waiting {
        assert!(answer(stream).await.starts_with("HTTP/1.1 200"), "{}", second.logged());
    }
    second.ready().await;
    let mut console = second.place.open(100).await;
    console.log_in().await.unwrap();
}

/// As a supervisor that keeps the sockets hands them to the next release.
#[tokio::test]
async fn d08_the_next_process_takes_the_sockets_over_while_the_old_one_drains_and_one_that_cannot_start_harms_nobody() {
    let scene = Scene::new().await;
    let mut old = Process::run(scene.gateway("public:admin"), HOST).await;
    old.ready().await;
    let mut console = old.place.open(100).await;
    console.log_in().await.unwrap();

    let good = std::fs::read_to_string(&scene.config).unwrap();
    std::fs::write(&scene.config, good.clone() + "[limits]\nsessions = \"many\"\n").unwrap();
    refused(scene.gateway("public:admin"), "limits.sessions").await;
    assert!(answer(asked(scene.address()).await).await.starts_with("HTTP/1.1 200"), "the old one is in charge");
    console.first_update(64, 48).await.expect("its console too");

    std::fs::write(&scene.config, good).unwrap();
    let new = Process::run(scene.gateway("public:admin"), HOST).await;
    old.signal(Signal::TERM);
    let (mut ended, mut answered) = (false, 0);
    while !ended {
        // Whichever of them takes it.
        assert!(answer(asked(scene.address()).await).await.starts_with("HTTP/1.1 200"));
        answered += 1;
        ended = timeout(Duration::from_millis(20), old.ended()).await.is_ok();
    }
    assert!(answered > 1 && console.ended().await.code == 1012, "it was left time, and then told to come back");
    new.ready().await;
    new.place.open(100).await.log_in().await.expect("the new one opens");
}

#[tokio::test]
async fn sockets_that_are_not_what_is_configured_are_refused_with_a_cure() {
    let scene = Scene::new().await;
    let listening = || OwnedFd::from(scene.public.try_clone().unwrap()).into();
    let connected = {
        let stream = std::net::TcpStream::connect(scene.address()).unwrap();
        move || OwnedFd::from(stream.try_clone().unwrap()).into()
    };
    let cases: [(&str, &dyn Fn() -> Stdio, &str); 5] = [
        ("consolegate.socket:admin", &listening, "set FileDescriptorName= to public or admin"),
        ("", &listening, "set FileDescriptorName= to public or admin"),
        ("admin:admin", &listening, "is there twice"),
        ("public:admin", &Stdio::null, "is no TCP socket"),
        ("public:admin", &connected, "does not listen"),
    ];
    for (names, first, said) in cases {
        refused(scene.given(names, first()), said).await;
    }
    let admin = scene.admin.local_addr().unwrap();
    scene.configure(scene.address(), (admin.ip(), 1).into());
    refused(scene.gateway("public:admin"), &format!("but the passed socket listens on {admin}")).await;
}

async fn refused(mut command: Command, said: &str) {
    let child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let ran = timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("it runs in spite of {said:?}"))
        .unwrap();
    let error = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && error.contains(said), "{said:?}: {error}");
}

#[tokio::test]
async fn systemd_itself_passes_the_public_socket_and_the_first_who_comes_is_answered() {
    let scene = Scene::new().await;
    // One of its own: systemd listens there itself.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scene.configure(free, ([127, 0, 0, 1], 0).into());
    let mut command = Command::new("systemd-socket-activate");
    command.arg(format!("--listen={free}")).args(["--fdname=public", BINARY, "serve", "--config"]).arg(&scene.config);
    let until = Instant::now() + PATIENCE;
    let comes = async {
        while TcpStream::connect(free).await.is_err() {
            assert!(Instant::now() < until, "nobody listens (run `make setup`)");
            tokio::task::yield_now().await;
        }
        answer(asked(free).await).await
    };
    let (process, answer) = tokio::join!(Process::run(command, HOST), comes);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    process.says("listen.address: took over a socket").await;
    assert!(!process.logged().contains("admin.address: took over"));
}

#[tokio::test]
async fn systemd_hears_when_it_is_ready_when_it_reloads_and_when_it_leaves() {
    let scene = Scene::new().await;
    let path = scene.folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let hears = async || {
        let mut text = [0; 200];
        let length = timeout(PATIENCE, systemd.recv(&mut text)).await.expect("a word").unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let mut command = scene.gateway("public:admin");
    command.env("NOTIFY_SOCKET", &path);
    let process = Process::run(command, HOST).await;
    assert_eq!(hears().await, "READY=1\n");
    assert!(process.place.ask_admin("/readyz").await.starts_with("HTTP/1.1 200"), "only then");
    process.hang_up();
    let reloading = hears().await;
    // sd_notify(3): from version 253 on systemd compares the time.
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(hears().await, "READY=1\n");
    process.stop().await;
    assert_eq!(hears().await, "STOPPING=1\n");
}
