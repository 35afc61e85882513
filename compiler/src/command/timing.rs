//! Timing compiled code: rounds in which every candidate runs once, so that what disturbs the machine
//! disturbs all of them alike.

use super::session;
use crate::Array;
use crate::error::Result;
use crate::specialised::Specialised;
use std::time::{Duration, Instant};

/// Least time of one measurement: shorter calls are repeated.
const LEAST: f64 = 1e-3;

/// Most calls of one measurement.
const MOST_CALLS: f64 = 100_000.0;

/// Seconds per call, one measurement for each round.
pub struct Times {
    /// In order of the rounds.
    pub rounds: Vec<f64>,
    /// Calls of one measurement.
    pub calls: u32,
}

impl Times {
    /// The shortest.
    pub fn min(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median.
    pub fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The median of the distances from the median.
    pub fn deviation(&self) -> f64 {
        let middle = self.median();
        median(self.rounds.iter().map(|time| (time - middle).abs()).collect())
    }

    /// How many times as long as `other` this takes: the median of the ratios within each round.
    pub fn ratio(&self, other: &Times) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(own, other)| own / other).collect())
    }
}

/// The median; NaN of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// Times codes of one program on the same operands: at most `rounds` rounds, as many as begin within
/// `limit` (at least one), and no more after Ctrl-C.
///
/// # Errors
/// A call fails.
pub fn interleaved(
    codes: &[&Specialised],
    operands: &[&Array],
    rounds: u32,
    limit: Duration,
) -> Result<Vec<Times>> {
    let mut outputs = Vec::new();
    let mut all = Vec::new();
    for code in codes {
        let mut results = code.allocate()?;
        // The first call pays for pages and caches, the second tells how long one takes.
        code.run_into(operands, &mut results)?;
        let once = once(code, operands, &mut results, 1)?;
        let calls = (LEAST / once.max(1e-9)).ceil().clamp(1.0, MOST_CALLS) as u32;
        outputs.push(results);
        all.push(Times { rounds: Vec::new(), calls });
    }
    let started = Instant::now();
    for round in 0..rounds.max(1) {
        if round > 0 && (started.elapsed() > limit || session::interrupted()) {
            break;
        }
        for ((code, results), times) in codes.iter().zip(&mut outputs).zip(&mut all) {
            let time = once(code, operands, results, times.calls)?;
            times.rounds.push(time);
        }
    }
    Ok(all)
}

/// Seconds per call.
fn once(code: &Specialised, operands: &[&Array], results: &mut [crate::Output], calls: u32) -> Result<f64> {
    let started = Instant::now();
    for _ in 0..calls {
        code.run_into(operands, results)?;
    }
    Ok(started.elapsed().as_secs_f64() / f64::from(calls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let times = |rounds: &[f64]| Times { rounds: rounds.to_vec(), calls: 1 };
        let (slow, fast) = (times(&[4.0, 2.0, 9.0]), times(&[2.0, 1.0, 3.0]));
        assert_eq!((slow.min(), slow.median(), slow.deviation()), (2.0, 4.0, 2.0));
        assert_eq!(slow.ratio(&fast), 2.0);
        assert_eq!(times(&[1.0, 3.0]).median(), 2.0);
        assert!(times(&[]).median().is_nan());
    }
}
