//! Binding of operands to the inputs and sizes of a program.
