//! How long the hot paths take, by criterion. What a change to them costs is told better by `make counts`.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a program of its own"
)]

#[path = "../hot_paths/mod.rs"]
mod hot_paths;
mod scrape;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn hot_paths(criterion: &mut Criterion) {
    for path in hot_paths::HOT_PATHS {
        let mut group = criterion.benchmark_group(path.name);
        group.throughput(Throughput::Elements(path.handled));
        let mut run = (path.set_up)();
        group.bench_function("run", |bencher| bencher.iter(&mut run));
        group.finish();
    }
}

fn scrape(criterion: &mut Criterion) {
    let mut run = scrape::scrape();
    criterion.bench_function("scrape_9000_sessions", |bencher| bencher.iter(&mut run));
}

criterion_group!(benches, hot_paths, scrape);
criterion_main!(benches);
