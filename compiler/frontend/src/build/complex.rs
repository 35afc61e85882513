//! Functions of complex numbers, spelled with real operations on the parts.

use super::body::Body;
use tcc_ir::graph::ValueId;
use tcc_ir::scalar::ScalarOp;

impl Body<'_, '_> {
    fn parts(&mut self, value: ValueId) -> (ValueId, ValueId) {
        let builder = &mut self.all.builder;
        (builder.map(ScalarOp::Re, &[value]), builder.map(ScalarOp::Im, &[value]))
    }

    pub fn make_complex(&mut self, re: ValueId, im: ValueId) -> ValueId {
        self.all.builder.map(ScalarOp::MakeComplex, &[re, im])
    }

    /// `cos(x) + i sin(x)` of a real of f32 or f64.
    pub fn cis(&mut self, angle: ValueId) -> ValueId {
        let (re, im) =
            (self.all.builder.map(ScalarOp::Cos, &[angle]), self.all.builder.map(ScalarOp::Sin, &[angle]));
        self.make_complex(re, im)
    }

    pub fn complex_abs(&mut self, value: ValueId) -> ValueId {
        let (re, im) = self.parts(value);
        self.all.builder.map(ScalarOp::Hypot, &[re, im])
    }

    /// `exp(re) * cis(im)`
    pub fn complex_exp(&mut self, value: ValueId) -> ValueId {
        let (re, im) = self.parts(value);
        let radius = self.all.builder.map(ScalarOp::Exp, &[re]);
        let (cos, sin) =
            (self.all.builder.map(ScalarOp::Cos, &[im]), self.all.builder.map(ScalarOp::Sin, &[im]));
        let re = self.all.builder.map(ScalarOp::Mul, &[radius, cos]);
        let im = self.all.builder.map(ScalarOp::Mul, &[radius, sin]);
        self.make_complex(re, im)
    }

    /// The principal value: `log(abs) + i angle`.
    pub fn complex_log(&mut self, value: ValueId) -> ValueId {
        let (re, im) = self.parts(value);
        let radius = self.all.builder.map(ScalarOp::Hypot, &[re, im]);
        let log = self.all.builder.map(ScalarOp::Log, &[radius]);
        let angle = self.all.builder.map(ScalarOp::Atan2, &[im, re]);
        self.make_complex(log, angle)
    }

    /// The root with a real part from 0: with `t = sqrt((abs(re) + abs) / 2)` it is `t + i im/(2t)` for
    /// `re >= 0`, else `abs(im)/(2t) + i t sign(im)`; nothing cancels.
    pub fn complex_sqrt(&mut self, value: ValueId) -> ValueId {
        let (re, im) = self.parts(value);
        let dtype = self.all.builder.dtype(re);
        let builder = &mut self.all.builder;
        let (zero, two) = (builder.number(0, dtype), builder.number(2, dtype));
        let radius = builder.map(ScalarOp::Hypot, &[re, im]);
        let size = builder.map(ScalarOp::Abs, &[re]);
        let sum = builder.map(ScalarOp::Add, &[size, radius]);
        let half = builder.map(ScalarOp::Div, &[sum, two]);
        let t = builder.map(ScalarOp::Sqrt, &[half]);
        let twice = builder.map(ScalarOp::Mul, &[two, t]);
        let ratio = builder.map(ScalarOp::Div, &[im, twice]);
        let nothing = builder.map(ScalarOp::Eq, &[t, zero]);
        let ratio = builder.select(nothing, im, ratio);
        let right = builder.map(ScalarOp::Le, &[zero, re]);
        let height = builder.map(ScalarOp::Abs, &[ratio]);
        let below = builder.map(ScalarOp::Lt, &[im, zero]);
        let negative = builder.map(ScalarOp::Neg, &[t]);
        let signed = builder.select(below, negative, t);
        let (new_re, new_im) = (builder.select(right, t, height), builder.select(right, ratio, signed));
        self.make_complex(new_re, new_im)
    }

    /// `sin` and `cos` of `a + bi` from those of `a` and `cosh`, `sinh` of `b`.
    pub fn complex_sine(&mut self, value: ValueId, cosine: bool) -> ValueId {
        let (re, im) = self.parts(value);
        let builder = &mut self.all.builder;
        let (cos, sin) = (builder.map(ScalarOp::Cos, &[re]), builder.map(ScalarOp::Sin, &[re]));
        let (cosh, sinh) = (builder.map(ScalarOp::Cosh, &[im]), builder.map(ScalarOp::Sinh, &[im]));
        let (first, second) = if cosine { (cos, sin) } else { (sin, cos) };
        let new_re = builder.map(ScalarOp::Mul, &[first, cosh]);
        let product = builder.map(ScalarOp::Mul, &[second, sinh]);
        let new_im = if cosine { builder.map(ScalarOp::Neg, &[product]) } else { product };
        self.make_complex(new_re, new_im)
    }

    /// `tanh(a + bi) = (tanh a + i tan b) / (1 + i tanh a tan b)`
    pub fn complex_tanh(&mut self, value: ValueId) -> ValueId {
        let (re, im) = self.parts(value);
        let dtype = self.all.builder.dtype(re);
        let builder = &mut self.all.builder;
        let one = builder.number(1, dtype);
        let (tanh, tan) = (builder.map(ScalarOp::Tanh, &[re]), builder.map(ScalarOp::Tan, &[im]));
        let product = builder.map(ScalarOp::Mul, &[tanh, tan]);
        let above = builder.map(ScalarOp::MakeComplex, &[tanh, tan]);
        let below = builder.map(ScalarOp::MakeComplex, &[one, product]);
        builder.map(ScalarOp::Div, &[above, below])
    }

    /// `exp(exponent * log(base))`
    pub fn complex_power(&mut self, base: ValueId, exponent: ValueId) -> ValueId {
        let log = self.complex_log(base);
        let product = self.all.builder.map(ScalarOp::Mul, &[exponent, log]);
        self.complex_exp(product)
    }
}
