//! The operations that every instruction set has, and the work that is written in them.

/// Lanes in a group.
pub const LANES: usize = 16;

/// 16 numbers in memory.
pub type Lanes = [f32; LANES];

/// Lanes in a group of float64.
pub const WIDE_LANES: usize = 8;

/// 8 float64 numbers in memory.
pub type WideLanes = [f64; WIDE_LANES];

/// The operations on a group of 16 lanes.
pub trait Simd: Copy {
    /// A group in registers.
    type Group: Copy;
    /// A group of float64 in as many registers.
    type Wide: Copy;

    /// Rows and groups of columns of a tile of a product, as many accumulators as the registers hold.
    const TILE: (usize, usize);

    /// `x` in all lanes.
    fn splat(self, x: f32) -> Self::Group;
    /// 16 numbers from memory.
    fn load(self, from: &Lanes) -> Self::Group;
    /// 16 numbers to memory.
    fn store(self, x: Self::Group, to: &mut Lanes);
    /// a + b
    fn add(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// a - b
    fn sub(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// a * b
    fn mul(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// a / b
    fn div(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// The square root.
    fn sqrt(self, a: Self::Group) -> Self::Group;
    /// a * b + c, rounded once.
    fn fma(self, a: Self::Group, b: Self::Group, c: Self::Group) -> Self::Group;
    /// a > b ? a : b in each lane; b where one is NaN or both are zero.
    fn max(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// a < b ? a : b in each lane; b where one is NaN or both are zero.
    fn min(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// a > b ? x : y in each lane; y where one is NaN.
    fn choose(self, a: Self::Group, b: Self::Group, x: Self::Group, y: Self::Group) -> Self::Group;
    /// The value without its sign.
    fn abs(self, a: Self::Group) -> Self::Group;
    /// The value with its sign turned.
    fn neg(self, a: Self::Group) -> Self::Group;
    /// The value of `a` with the sign of `b`.
    fn copysign(self, a: Self::Group, b: Self::Group) -> Self::Group;
    /// 2^floor(n/2) and 2^(n - floor(n/2)) of t = n + 1.5 * 2^23 with an integer n in -252 to 254. For other
    /// values, also NaN, any two numbers.
    fn powers(self, t: Self::Group) -> (Self::Group, Self::Group);

    /// `x` in all lanes.
    fn wide_splat(self, x: f64) -> Self::Wide;
    /// 8 numbers from memory.
    fn wide_load(self, from: &WideLanes) -> Self::Wide;
    /// 8 numbers to memory.
    fn wide_store(self, x: Self::Wide, to: &mut WideLanes);
    /// a * b + c, rounded once.
    fn wide_fma(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide;

    /// The first `from.len()` lanes from memory, at most 16, `fill` in the others.
    #[inline(always)]
    fn load_part(self, from: &[f32], fill: f32) -> Self::Group {
        if let Ok(whole) = from.try_into() {
            return self.load(whole);
        }
        let mut lanes = [fill; LANES];
        lanes[..from.len()].copy_from_slice(from);
        self.load(&lanes)
    }

    /// The first `to.len()` lanes to memory, at most 16.
    #[inline(always)]
    fn store_part(self, x: Self::Group, to: &mut [f32]) {
        if let Ok(whole) = to.try_into() {
            return self.store(x, whole);
        }
        let lanes = self.lanes(x);
        to.copy_from_slice(&lanes[..to.len()]);
    }

    /// The lanes as an array.
    #[inline(always)]
    fn lanes(self, x: Self::Group) -> Lanes {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        lanes
    }
}

/// 1.5 * 2^23: added to a number of less than 2^22 it rounds it to an integer, which its lowest bits then hold.
pub const MAGIC: f32 = 12_582_912.0;

/// Work that is compiled once for each instruction set.
pub trait Kernel {
    /// What the work gives.
    type Output;
    /// Does the work. Must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}
