//! The simulated Proxmox cluster: behaves on loopback as real nodes do, faults included.
//!
//! For the demonstration, tests, benchmarks and examples. Its specification is section 12 of the protocol reference; it
//! shares no codec with the gateway, so a mistake made here and there cannot cancel out. The gateway never uses it.
//!
//! ```text
//! node ─▶ http ─▶ api ─▶ ports (a console waits)       node: listener, TLS, requests
//!   └─ upgrade ─▶ ports ─▶ console ─▶ vnc | term | qemu    console: the worker behind a port
//!                     └──▶ websocket ◀──pipe──┘             websocket: pveproxy's frames
//! ```

mod api;
mod certificates;
mod clock;
mod cluster;
mod console;
mod counters;
mod door;
mod fault;
mod form;
mod frame;
mod guest;
mod handle;
mod http;
mod identity;
mod node;
mod pipe;
mod ports;
mod qemu;
mod record;
mod setup;
mod tasks;
mod term;
mod tickets;
mod vnc;
mod websocket;

pub use cluster::Seen;
pub use counters::Counters;
pub use door::Health;
pub use fault::Fault;
pub use handle::{GuestHandle, Sim};
pub use record::Event;
pub use setup::{Backend, Certificate, GuestConfig, NodeConfig, SimConfig, Status, Style, Timing};
