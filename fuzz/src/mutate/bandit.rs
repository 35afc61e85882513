//! Which mutators are worth their time: Thompson sampling.
//!
//! Every arm keeps how often it led to something new, and how often not. At each turn a chance of success is
//! drawn for every arm from what is believed of it (a Beta distribution), and the arm with the highest is
//! taken: arms that paid are taken often, and those about which little is known sometimes. What happened
//! long ago is forgotten slowly, for what is new changes.

use crate::choices::Random;

/// One arm: successes and failures, forgotten slowly.
#[derive(Clone, Copy, Debug)]
struct Arm {
    paid: f64,
    not: f64,
}

/// Arms of which the best are taken most often.
#[derive(Clone, Debug)]
pub struct Bandit {
    arms: Vec<Arm>,
}

/// What is left of the past after each turn of an arm.
const MEMORY: f64 = 0.999;

impl Bandit {
    /// So many arms, of which nothing is known.
    pub fn new(arms: usize) -> Bandit {
        Bandit { arms: vec![Arm { paid: 1.0, not: 1.0 }; arms] }
    }

    /// The arm of this turn, among those that are allowed.
    pub fn choose(&self, random: &mut Random, allowed: impl Fn(usize) -> bool) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (at, arm) in self.arms.iter().enumerate().filter(|(at, _)| allowed(*at)) {
            let drawn = beta(arm.paid, arm.not, random);
            if best.is_none_or(|(chance, _)| drawn > chance) {
                best = Some((drawn, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// Says how a turn went.
    pub fn reward(&mut self, arm: usize, paid: bool) {
        if let Some(arm) = self.arms.get_mut(arm) {
            arm.paid = 1.0 + (arm.paid - 1.0) * MEMORY + f64::from(u8::from(paid));
            arm.not = 1.0 + (arm.not - 1.0) * MEMORY + f64::from(u8::from(!paid));
        }
    }

    /// The share of turns of an arm that paid, as far as it is remembered.
    pub fn rate(&self, arm: usize) -> f64 {
        self.arms.get(arm).map_or(0.0, |arm| arm.paid / (arm.paid + arm.not))
    }
}

/// A number of the Beta distribution, by its mean and variance: near enough to choose an arm, and cheap.
fn beta(a: f64, b: f64, random: &mut Random) -> f64 {
    let sum = a + b;
    let deviation = (a * b / (sum * sum * (sum + 1.0))).sqrt();
    // Four uniform numbers make a bell.
    let bell: f64 = (0..4).map(|_| random.unit()).sum::<f64>() - 2.0;
    a / sum + bell * deviation * 1.73
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arm_that_pays_is_taken_most_often() {
        let (mut bandit, mut random) = (Bandit::new(4), Random(3));
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let arm = bandit.choose(&mut random, |at| at != 3).expect("an arm");
            counts[arm] += 1;
            bandit.reward(arm, random.below(10) < [1, 3, 1, 9][arm]);
        }
        assert!(counts[1] > counts[0] + counts[2], "{counts:?}");
        assert_eq!(counts[3], 0);
        assert!(bandit.rate(1) > bandit.rate(0));
    }
}
