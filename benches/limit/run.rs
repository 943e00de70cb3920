//! A run from its beginning to its end: the ground, the parts that were asked for, the page.

use crate::ground::Ground;
use crate::options::{Options, Part};
use crate::part::lanes::Lanes;
use crate::part::{idle, latency, opens, stall, start, throughput, typing};
use crate::relay::Kind;
use crate::table::{self, Section};
use crate::{Outcome, Trouble, machine, progress, report};
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
    if sections.iter().all(Section::is_whole) { Ok(()) } else { Err("not everything could be measured".into()) }
}

/// A part that fails leaves its place in the page, and the others are measured all the same.
async fn measure(ground: &Ground, options: &Options) -> Outcome<Vec<Section>> {
    let mut sections = Vec::new();
    let mut add = |title, measured: Outcome<Section>| {
        let failed = |error: &Trouble| eprintln!("{title}: {error}\n{}", ground.last_words());
        let measured = measured.inspect_err(failed);
        sections.push(measured.unwrap_or_else(|error| Section::failed(title, &error)));
    };
    if options.has(Part::Throughput) || options.has(Part::Opens) {
        let mut lanes = Lanes::start(ground, &Kind::ALL, options).await;
        if options.has(Part::Throughput) {
            add(throughput::TITLE, throughput::measure(ground, &mut lanes, options).await);
        }
        if options.has(Part::Opens) {
            add(opens::TITLE, opens::measure(ground, &mut lanes, options).await);
        }
        lanes.stop().await?;
    }
    if options.has(Part::Typing) {
        let mut lanes = Lanes::start(ground, &typing::KINDS, options).await;
        add(typing::TITLE, typing::measure(ground, &mut lanes, options).await);
        lanes.stop().await?;
    }
    if options.has(Part::Idle) {
        add(idle::TITLE, idle::measure(ground, options).await);
    }
    if options.has(Part::Latency) {
        add(latency::TITLE, latency::measure(ground, options).await);
    }
    if options.has(Part::Stall) {
        add(stall::TITLE, stall::measure(ground).await);
    }
    if options.has(Part::Start) {
        add(start::TITLE, start::measure(ground).await);
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
