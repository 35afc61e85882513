//! Operands that are made, not read: `rand:8x64`, `rand(7):..`, `ones:`, `zeros:`, `eye:`, `arange:`.
//!
//! The same word gives the same numbers on every machine: the generator is ChaCha, and the logarithm and
//! cosine that make normal numbers come from portable code.

use half::{bf16, f16};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tcc_ir::dtype::Kind;
use tcc_ir::{Array, Dtype};

/// A way to make elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// Normal numbers; integers from -8 to 8 (unsigned: 0 to 8), fair coins for bool.
    Rand,
    /// Ones.
    Ones,
    /// Zeros.
    Zeros,
    /// One where all indices are equal, else zero.
    Eye,
    /// 0, 1, 2, .. in row-major order.
    Arange,
}

impl Generator {
    /// All generators with the words users type.
    pub const TABLE: &'static [(Generator, &'static str)] = &[
        (Generator::Rand, "rand"),
        (Generator::Ones, "ones"),
        (Generator::Zeros, "zeros"),
        (Generator::Eye, "eye"),
        (Generator::Arange, "arange"),
    ];

    /// The word that users type.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The generator called `name`.
    pub fn from_name(name: &str) -> Option<Generator> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// Normal and integer random numbers for one operand.
pub struct Random {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Random {
    /// The numbers that belong to `seed` and the operand `name`, so that two operands with one seed
    /// differ.
    pub fn new(seed: u64, name: &str) -> Random {
        // FNV-1a; any fixed function of the name will do.
        let stream = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Random { rng, spare: None }
    }

    /// Uniform in the open interval from 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        ((self.rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        let angle = 2.0 * std::f64::consts::PI * self.uniform();
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// An integer from `low` to `high`, both included.
    pub fn integer(&mut self, low: i64, high: i64) -> i64 {
        let count = (high - low).unsigned_abs() + 1;
        low + (self.rng.next_u64() % count) as i64
    }
}

/// Makes an array. `None` if it does not fit in memory.
pub fn generate(generator: Generator, seed: u64, name: &str, dtype: Dtype, shape: &[usize]) -> Option<Array> {
    let mut random = Random::new(seed, name);
    let mut index = vec![0usize; shape.len()];
    let mut counter = 0i64;
    fill(dtype, shape, &mut || {
        let number = match generator {
            Generator::Rand => match dtype.kind() {
                Kind::Bool => random.integer(0, 1) as f64,
                Kind::Int if matches!(dtype, Dtype::U8 | Dtype::U32) => random.integer(0, 8) as f64,
                Kind::Int => random.integer(-8, 8) as f64,
                Kind::Float | Kind::Complex => random.normal(),
            },
            Generator::Ones => 1.0,
            Generator::Zeros => 0.0,
            Generator::Eye => f64::from(u8::from(index.windows(2).all(|pair| pair[0] == pair[1]))),
            Generator::Arange => counter as f64,
        };
        counter += 1;
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
        let imaginary =
            if generator == Generator::Rand && dtype.is_complex() { random.normal() } else { 0.0 };
        (number, imaginary)
    })
}

/// An array whose elements `next` gives, rounded to the dtype.
pub fn fill(dtype: Dtype, shape: &[usize], next: &mut dyn FnMut() -> (f64, f64)) -> Option<Array> {
    let mut array = Array::zeros(dtype, shape)?;
    for element in array.bytes_mut().chunks_exact_mut(dtype.size_bytes()) {
        let (re, im) = next();
        match dtype {
            Dtype::Bool => element[0] = u8::from(re != 0.0),
            Dtype::U8 => element[0] = re as i64 as u8,
            Dtype::U32 | Dtype::I32 => element.copy_from_slice(&(re as i64 as i32).to_ne_bytes()),
            Dtype::I64 => element.copy_from_slice(&(re as i64).to_ne_bytes()),
            Dtype::F16 => element.copy_from_slice(&f16::from_f64(re).to_ne_bytes()),
            Dtype::BF16 => element.copy_from_slice(&bf16::from_f64(re).to_ne_bytes()),
            Dtype::F32 => element.copy_from_slice(&(re as f32).to_ne_bytes()),
            Dtype::F64 => element.copy_from_slice(&re.to_ne_bytes()),
            Dtype::C64 => {
                element[..4].copy_from_slice(&(re as f32).to_ne_bytes());
                element[4..].copy_from_slice(&(im as f32).to_ne_bytes());
            }
            Dtype::C128 => {
                element[..8].copy_from_slice(&re.to_ne_bytes());
                element[8..].copy_from_slice(&im.to_ne_bytes());
            }
        }
    }
    Some(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_everywhere_and_differ_by_operand() {
        let first = |seed, name| {
            let mut random = Random::new(seed, name);
            (random.normal(), random.normal(), random.integer(-8, 8))
        };
        assert_eq!(first(0, "Q"), first(0, "Q"));
        assert_ne!(first(0, "Q"), first(0, "K"));
        assert_ne!(first(0, "Q"), first(7, "Q"));
        let mut random = Random::new(0, "x");
        let mean = (0..10_000).map(|_| random.normal()).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }

    #[test]
    fn shapes_are_filled_in_row_major_order() {
        let bytes = |generator, shape: &[usize]| {
            generate(generator, 0, "x", Dtype::U8, shape).unwrap().bytes().to_vec()
        };
        assert_eq!(bytes(Generator::Arange, &[2, 3]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(bytes(Generator::Eye, &[2, 3]), [1, 0, 0, 0, 1, 0]);
        assert_eq!(bytes(Generator::Ones, &[]), [1]);
        assert!(generate(Generator::Ones, 0, "x", Dtype::F64, &[usize::MAX, 2]).is_none());
    }
}
