//! `./just bench micro`: how long each watched function takes.
#![expect(clippy::expect_used, reason = "criterion's macros, and a program for people at a terminal")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kubegate_micro::WATCHED;

fn watched(criterion: &mut Criterion) {
    for watched in WATCHED {
        let mut jobs = watched.prepare().expect("the input can be made");
        criterion.bench_function(watched.name, |bencher| {
            bencher.iter_batched(&mut jobs, |job| job(), BatchSize::SmallInput);
        });
    }
}

criterion_group!(benches, watched);
criterion_main!(benches);
