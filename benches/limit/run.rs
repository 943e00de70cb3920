//! A run from its beginning to its end: the ground, the parts that were asked for, the table.

use crate::Outcome;
use crate::ground::Ground;
use crate::options::{Options, Part};
use crate::part::throughput;
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
    if options.has(Part::Throughput) {
        sections.push(throughput::measure(ground, options).await?);
    }
    Ok(sections)
}
