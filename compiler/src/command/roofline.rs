//! The roofline: speed over arithmetic intensity, under what the machine could reach.

use super::svg::{Anchor, Svg};
use tcc_passes::cost::MACHINE;

/// Something that was timed.
pub struct Point {
    /// What it is called.
    pub name: String,
    /// Flops per byte moved.
    pub intensity: f64,
    /// Flops per second.
    pub speed: f64,
}

/// Size of the picture and of its margins, in pixels.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 500.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 60.0;

/// A logarithmic axis: the exponents of its ends, in pixels from and to.
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn end(&self) -> f64 {
        10f64.powi(self.high)
    }

    fn begin(&self) -> f64 {
        10f64.powi(self.low)
    }
}

/// The picture. `element_bytes` is the width of a number: the peak is of vectors of those.
pub fn svg(title: &str, points: &[Point], element_bytes: f64) -> String {
    let peak = 2.0 * MACHINE.fma_per_cycle * MACHINE.vector_bytes / element_bytes * MACHINE.gigahertz * 1e9;
    let usable: Vec<&Point> =
        points.iter().filter(|point| point.intensity > 0.0 && point.speed > 0.0).collect();
    let least = |of: fn(&Point) -> f64, other: f64| usable.iter().map(|p| of(p)).fold(other, f64::min);
    let most = |of: fn(&Point) -> f64, other: f64| usable.iter().map(|p| of(p)).fold(other, f64::max);
    let intensity = |point: &Point| point.intensity;
    let speed = |point: &Point| point.speed;
    let floor = |value: f64| value.log10().floor() as i32;
    let ceil = |value: f64| value.log10().ceil() as i32;
    let x = Axis {
        low: floor(least(intensity, 0.1)),
        high: ceil(most(intensity, 100.0)),
        from: LEFT,
        to: WIDTH - RIGHT,
    };
    let y = Axis {
        low: floor(least(speed, 1e9)),
        high: ceil(most(speed, peak) * 1.01),
        from: HEIGHT - BOTTOM,
        to: TOP,
    };
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((WIDTH / 2.0, 26.0), Anchor::Middle, 16.0, title, "font-weight=\"bold\"");
    grid(&mut svg, &x, &y);
    roofs(&mut svg, &x, &y, peak);
    for (position, point) in usable.iter().enumerate() {
        let at = (x.place(point.intensity), y.place(point.speed));
        let color = ["#c1121f", "#1d6996", "#38761d", "#7a3e9d", "#b45f06"][position % 5];
        svg.circle(at, 6.0, &format!("fill=\"{color}\" stroke=\"white\""));
        let label = format!("{}: {:.2} Gflop/s", point.name, point.speed / 1e9);
        let style = format!("fill=\"{color}\" paint-order=\"stroke\" stroke=\"white\" stroke-width=\"3\"");
        // Where there is room.
        match at.0 > WIDTH / 2.0 {
            true => svg.text((at.0 - 11.0, at.1 + 4.0), Anchor::End, 13.0, &label, &style),
            false => svg.text((at.0 + 11.0, at.1 + 4.0), Anchor::Start, 13.0, &label, &style),
        }
    }
    svg.finish(title)
}

fn grid(svg: &mut Svg, x: &Axis, y: &Axis) {
    let style = "stroke=\"#ddd\"";
    for exponent in x.low..=x.high {
        let at = x.place(10f64.powi(exponent));
        svg.line((at, y.from), (at, y.to), style);
        svg.text((at, y.from + 18.0), Anchor::Middle, 12.0, &power(exponent), "fill=\"#333\"");
    }
    for exponent in y.low..=y.high {
        let at = y.place(10f64.powi(exponent));
        svg.line((x.from, at), (x.to, at), style);
        svg.text((x.from - 8.0, at + 4.0), Anchor::End, 12.0, &power(exponent - 9), "fill=\"#333\"");
    }
    let middle = f64::midpoint(x.from, x.to);
    svg.text((middle, HEIGHT - 16.0), Anchor::Middle, 13.0, "flop per byte moved", "fill=\"#333\"");
    let middle = f64::midpoint(y.from, y.to);
    let turned = format!("fill=\"#333\" transform=\"rotate(-90 20 {middle:.1})\"");
    svg.text((20.0, middle), Anchor::Middle, 13.0, "Gflop/s", &turned);
}

fn roofs(svg: &mut Svg, x: &Axis, y: &Axis, peak: f64) {
    let style = "stroke=\"#333\" stroke-width=\"2\"";
    let names = ["L1", "L2", "L3", "memory"];
    // Where a slanted line meets the lower edge or the left one.
    for (name, (_, bandwidth)) in names.iter().zip(MACHINE.memory) {
        let speed = bandwidth * MACHINE.gigahertz * 1e9;
        let begin = x.begin().max(y.begin() / speed);
        let end = (peak / speed).min(x.end());
        if begin >= end {
            continue;
        }
        let dashed = if *name == "memory" { style } else { "stroke=\"#888\" stroke-dasharray=\"5 4\"" };
        svg.line((x.place(begin), y.place(begin * speed)), (x.place(end), y.place(end * speed)), dashed);
        // Names stand on their line, where it begins.
        let at = (x.place(begin), y.place(begin * speed));
        let decade = ((y.place(1.0) - y.place(10.0)) / (x.place(10.0) - x.place(1.0))).atan().to_degrees();
        let label = format!("{name} {:.0} GB/s", speed / 1e9);
        let turned = format!("fill=\"#555\" transform=\"rotate({:.1} {:.1} {:.1})\"", -decade, at.0, at.1);
        svg.text((at.0 + 8.0, at.1 - 5.0), Anchor::Start, 12.0, &label, &turned);
    }
    let (_, fastest) = MACHINE.memory[0];
    let ridge = (peak / (fastest * MACHINE.gigahertz * 1e9)).max(x.begin());
    svg.line((x.place(ridge), y.place(peak)), (x.to, y.place(peak)), style);
    let label = format!("peak {:.0} Gflop/s ({})", peak / 1e9, MACHINE.name);
    svg.text((x.to - 4.0, y.place(peak) - 7.0), Anchor::End, 12.0, &label, "fill=\"#333\"");
}

/// A power of ten as a number.
fn power(exponent: i32) -> String {
    match exponent {
        0..=4 => format!("{}", 10i64.pow(exponent.unsigned_abs())),
        -4..0 => format!("{}", 10f64.powi(exponent)),
        _ => format!("1e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_written_as_numbers() {
        assert_eq!([-2, 0, 3, 7].map(power), ["0.01", "1", "1000", "1e7"]);
    }

    #[test]
    fn points_stand_where_their_values_are() {
        let axis = Axis { low: -1, high: 2, from: 100.0, to: 400.0 };
        assert_eq!((axis.place(0.1), axis.place(1.0), axis.place(100.0)), (100.0, 200.0, 400.0));
        let points = [Point { name: "f<x>".into(), intensity: 1e6, speed: 1e3 }];
        let text = svg("t", &points, 4.0);
        assert!(text.contains("f&lt;x&gt;: 0.00 Gflop/s") && text.contains("memory 18 GB/s"), "{text}");
    }
}
