# Both axes have one size.
fortran = 3 3
