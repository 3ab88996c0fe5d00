//! The functions of the C library's libm that anything in this program calls: SQLite ranks with one, tokio estimates with one.
//!
//! They are here so that libm.so need not be loaded, which takes a twentieth of a short run (docs/benchmarks.md).

#![allow(
    unsafe_code,
    reason = "the linker finds them by these names, and they are what the C standard says of them"
)]

/// log(3)
#[unsafe(no_mangle)]
extern "C" fn log(x: f64) -> f64 {
    libm::log(x)
}

/// log2(3)
#[unsafe(no_mangle)]
extern "C" fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// pow(3)
#[unsafe(no_mangle)]
extern "C" fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    #[test]
    fn the_standard_library_finds_them_and_they_are_right() {
        assert_eq!(black_box(1.0_f64).ln(), 0.0);
        assert!((black_box(std::f64::consts::E).ln() - 1.0).abs() < f64::EPSILON);
        assert_eq!(black_box(1024.0_f64).log2(), 10.0);
        assert_eq!(black_box(2.0_f64).powf(black_box(0.5)), std::f64::consts::SQRT_2);
        assert!(black_box(-1.0_f64).ln().is_nan());
    }
}
