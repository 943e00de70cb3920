//! A run from its beginning to its end: the ground, the parts that were asked for, the table.

use crate::Outcome;
use crate::ground::Ground;
use crate::options::{Options, Part};
use crate::part::lanes::Lanes;
use crate::part::{idle, latency, opens, stall, start, throughput, typing};
use crate::relay::Kind;
use crate::table::{self, Section};

/// Measures and prints.
pub async fn run(options: Options) -> Outcome<()> {
    let ground = Ground::prepare(&options.gateway).await?;
    let measured = measure(&ground, &options).await;
    ground.clear().await?;
    let sections = measured?;
    println!("{}", table::goals(&sections));
    for section in &sections {
        println!("{section}");
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
