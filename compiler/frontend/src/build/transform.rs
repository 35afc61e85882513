//! Fourier transforms.

use super::body::Body;
use super::value::Value;
use crate::ast::TransformKind;
use crate::check::Reported;
use crate::check::dtypes;
use crate::check::resolved::Transform;
use crate::diagnostic::{Code, Diagnostic};
use tcc_ir::Type;
use tcc_ir::graph::{Op, TransformOp};

impl Body<'_, '_> {
    pub fn transform(&mut self, transform: &Transform) -> Result<Value, Reported> {
        let active = self.active.len();
        self.active.extend(&transform.from);
        let body = self.expr(&transform.body);
        self.active.truncate(active);
        let body = body?;
        let numeric = self.numeric(&body);
        if transform.kind == TransformKind::Rfft && numeric.dtype.is_complex() {
            return Err(self.error(
                Diagnostic::new(Code::OperandType, format!("rfft takes real numbers, not {}", numeric.dtype))
                    .label(transform.body.span, format!("{} here", numeric.dtype))
                    .help("use fft for complex numbers"),
            ));
        }
        let result = dtypes::transform(transform.kind, numeric);
        let (op, operand_dtype) = match transform.kind {
            TransformKind::Fft => (TransformOp::Fft, result.dtype),
            TransformKind::Ifft => (TransformOp::Ifft, result.dtype),
            TransformKind::Rfft => (TransformOp::Rfft, result.dtype.part()),
            TransformKind::Irfft => (TransformOp::Irfft, numeric.as_complex().dtype),
        };
        let (from, to) = (self.axes(&transform.from), self.axes(&transform.to));
        let value = self.cast(&body, operand_dtype);
        let value = self.all.builder.broadcast(value, &from);
        let axes = from.iter().zip(&to).map(|(from, to)| (from.name.clone(), to.name.clone())).collect();
        let mut written = Type::new(result.dtype, to);
        let kept =
            self.all.builder.ty(value).axes.iter().filter(|axis| from.iter().all(|f| f.name != axis.name));
        let kept: Vec<_> = kept.cloned().collect();
        written.axes.extend(kept);
        let id = self.all.builder.add(Op::Transform { op, axes, value }, &written);
        Ok(Value::plain(id, result, body.data))
    }
}
