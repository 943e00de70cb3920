//! Tests in a network of their own, where packets can be lost without anybody else's being lost.
//!
//! The test runs itself again in a new network namespace (network_namespaces(7)), in which there is loopback and nothing
//! else, with buffers so small that whoever does not read is felt at once.

use std::process::Command;
use std::time::Duration;
use tokio::runtime::Builder;

const INSIDE: &str = "CONSOLEGATE_TEST_APART";

/// What a socket may hold, and packets of the size they have on a wire: loopback's own would hold 64 KiB each.
const NETWORK: &str = "ip link set lo up mtu 1500
echo 4096 8192 16384 > /proc/sys/net/ipv4/tcp_rmem
echo 4096 8192 16384 > /proc/sys/net/ipv4/tcp_wmem
exec \"$0\" \"$@\"";

/// Runs the scene of the test of this name in a network of its own.
pub fn apart(test: &str, scene: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_none() {
        return again(test);
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(scene);
    runtime.shutdown_timeout(Duration::from_secs(1));
}

fn again(test: &str) {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-ec", NETWORK]).arg(std::env::current_exe().unwrap());
    let ran = command.args([test, "--exact", "--nocapture"]).env(INSIDE, "1").output().expect("unshare of util-linux");
    let [said, told] = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(ran.status.success(), "in a network of its own (run `make setup`):\n{said}\n{told}");
    assert!(said.contains("1 passed"), "there is no test {test}:\n{said}");
}

/// What becomes of every packet with such an address (`saddr` whom it is from, `daddr` whom it is for) from now on, in the
/// words of nft(8).
pub fn packets(matching: &[&str], verdict: &str) {
    let rules: String = matching.iter().map(|each| format!("ip {each} {verdict}\n")).collect();
    let table = format!("table ip faults {{\nchain packets {{\ntype filter hook input priority 0;\n{rules}}}\n}}");
    let ran = Command::new("nft").arg(table).output().expect("nft (run `make setup`)");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
