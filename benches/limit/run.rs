//! A run from its beginning to its end: the ground, the parts that were asked for, the page.

use crate::ground::Ground;
use crate::options::{Options, Part};
use crate::part::lanes::Lanes;
use crate::part::{idle, latency, opens, stall, start, throughput, typing};
use crate::relay::Kind;
use crate::table::{self, Section};
use crate::{Outcome, machine, progress, report};
use tokio::signal::unix::{SignalKind, signal};

/// Measures, prints, and writes the page where everything was measured.
pub async fn run(options: Options) -> Outcome<()> {
    progress::say("preparing");
    let machine = machine::describe(&options.gateway);
    let ground = Ground::prepare(&options.gateway).await?;
    // Ended in the middle or not, nothing stays behind.
    let measured = tokio::select! {
        measured = measure(&ground, &options) => measured,
        () = interrupted() => Err("interrupted".into()),
    };
    ground.clear().await?;
    let sections = measured?;
    println!("{machine}\n{}", table::goals(&sections));
    for section in &sections {
        println!("{section}");
    }
    if options.only.is_empty() {
        report::write(&options.output, &machine, &sections)?;
        progress::say(format_args!("written to {}", options.output.display()));
    }
    Ok(())
}

async fn measure(ground: &Ground, options: &Options) -> Outcome<Vec<Section>> {
    let mut sections = Vec::new();
    if options.has(Part::Throughput) || options.has(Part::Opens) {
        let mut lanes = Lanes::start(ground, &Kind::ALL).await;
        if options.has(Part::Throughput) {
            sections.push(throughput::measure(ground, &mut lanes, options).await?);
        }
        if options.has(Part::Opens) {
            sections.push(opens::measure(ground, &mut lanes, options).await?);
        }
        lanes.stop().await?;
    }
    if options.has(Part::Typing) {
        let mut lanes = Lanes::start(ground, &typing::KINDS).await;
        sections.push(typing::measure(ground, &mut lanes, options).await?);
        lanes.stop().await?;
    }
    if options.has(Part::Idle) {
        sections.push(idle::measure(ground, options).await?);
    }
    if options.has(Part::Latency) {
        sections.push(latency::measure(ground, options).await?);
    }
    if options.has(Part::Stall) {
        sections.push(stall::measure(ground).await?);
    }
    if options.has(Part::Start) {
        sections.push(start::measure(ground).await?);
    }
    Ok(sections)
}

async fn interrupted() {
    let asked = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = asked(SignalKind::interrupt()) => {}
        () = asked(SignalKind::terminate()) => {}
    }
}
