//! cbrt and hypot.

use super::logarithm::split_any;
use super::polynomials;
use super::value::{Builder, Value, abs, eq, floor, fma, is_nan, lt, or, select, sqrt, to_bits};

pub(super) fn cbrt(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let a = b.share("a", abs(x));
    let (k, m) = split_any(b, &a, 1.0);
    let k = b.float_of(&k);
    let k = b.share("k.real", k);
    // k = 3 q + rest; adding 1/6 keeps the quotient away from the integers.
    let q = b.share("q", floor(&fma(&k, &b.real(1.0 / 3.0), &b.real(1.0 / 6.0))));
    let rest = b.share("rest", fma(&q, &b.real(-3.0), &k));
    let zero = b.share("rest.0", eq(&rest, &b.real(0.0)));
    let one = b.share("rest.1", eq(&rest, &b.real(1.0)));
    let choose = |b: &Builder, values: [f64; 3]| {
        let [first, second, third] = values.map(|value| b.real(value));
        select(&zero, &first, &select(&one, &second, &third))
    };
    let root = choose(b, [1.0, 1.259921049894873, 1.5874010519681994]);
    let m4 = b.share("scaled", &m * &choose(b, [1.0, 2.0, 4.0]));
    let guess = b.polynomial(&polynomials::CBRT, &m);
    let y = b.share("y", guess * root);
    // Halley's step triples the correct digits, Newton's (with the exact residue) doubles them.
    let cube = b.share("cube", &(&y * &y) * &y);
    let better = &y * &((fma(&m4, &b.real(2.0), &cube)) / fma(&cube, &b.real(2.0), &m4));
    let y = b.share("better", better);
    let square = b.share("square", &y * &y);
    let square_error = b.product_error(&y, &y, &square);
    let cube = b.share("cube.better", &square * &y);
    let cube_error = b.product_error(&square, &y, &cube);
    let error = fma(&square_error, &y, &cube_error);
    let residue = (m4 - cube) - error;
    let y = &y + &(residue / (&square * &b.real(3.0)));
    let magic = b.pick(12_582_912.0, 6_755_399_441_055_744.0);
    let q_int = to_bits(&(q + b.real(magic))) - b.int(b.bits_of(magic));
    let size = y * b.power_of_two(&q_int);
    let signed = b.with_sign_of(&size, x);
    let ordinary = lt(&b.real(0.0), &a);
    let ordinary = super::value::and(&ordinary, &lt(&a, &b.real(f64::INFINITY)));
    select(&ordinary, &signed, x)
}

pub(super) fn hypot(b: &mut Builder, operands: &[Value]) -> Value {
    let (x, y) = (b.share("ax", abs(&operands[0])), b.share("ay", abs(&operands[1])));
    let swap = b.share("swap", lt(&x, &y));
    let long = b.share("long", select(&swap, &y, &x));
    let short = select(&swap, &x, &y);
    // Scaled by a power of two where the squares would overflow or lose digits.
    let (big, small) = b.pick((60, -60), (500, -500));
    let step = b.pick(70, 600);
    let is_big = b.share("big", lt(&b.real(2f64.powi(big)), &long));
    let is_small = b.share("small", lt(&long, &b.real(2f64.powi(small))));
    let choose = |b: &Builder, up: f64, down: f64| {
        let (up, down) = (b.real(up), b.real(down));
        select(&is_big, &down, &select(&is_small, &up, &b.real(1.0)))
    };
    let factor = b.share("factor", choose(b, 2f64.powi(step), 2f64.powi(-step)));
    let back = choose(b, 2f64.powi(-step), 2f64.powi(step));
    let long = b.share("long.scaled", long * &factor);
    let short = b.share("short.scaled", short * &factor);
    let size = sqrt(&fma(&long, &long, &(&short * &short))) * back;
    let infinity = b.real(f64::INFINITY);
    let infinite = or(&eq(&x, &infinity), &eq(&y, &infinity));
    let nan = or(&is_nan(&x), &is_nan(&y));
    select(&infinite, &infinity, &select(&nan, &b.real(f64::NAN), &size))
}
