;; The trainer's arithmetic in WebAssembly, 128-bit SIMD: what takes the time in an update.
;;
;; Numbers are 32-bit floats, matrices row by row. Widths are multiples of 8 and numbers of rows
;; multiples of 4 (the caller pads them), so that no loop has a remainder. Pointers are in bytes.
;;
;; (madd a b c) stands for a * b + c. `build.mjs` replaces it by a product and a sum, or by one
;; relaxed instruction where the browser has those: the two builds come from this one text.
(module
  (import "env" "memory" (memory 1))

  ;; C = bias + A B.   C: m × n.   B: k × n.   bias: n numbers, or the null pointer for zeros.
  ;; Entry (i, j) of A is at a + i * down + j * along, so that A may be a transposed matrix.
  ;; Blocks of 4 × 8 entries of C stay in registers while k is gone through.
  (func (export "gemm")
    (param $c i32) (param $a i32) (param $b i32) (param $bias i32)
    (param $m i32) (param $n i32) (param $k i32) (param $down i32) (param $along i32)
    (local $width i32) (local $column i32) (local $row i32) (local $left i32) (local $end i32)
    (local $pa i32) (local $pb i32) (local $pc i32) (local $a2 i32) (local $a3 i32)
    (local $p v128) (local $q v128) (local $x v128)
    (local $c00 v128) (local $c01 v128) (local $c10 v128) (local $c11 v128)
    (local $c20 v128) (local $c21 v128) (local $c30 v128) (local $c31 v128)
    (local $bias0 v128) (local $bias1 v128)
    (local.set $width (i32.shl (local.get $n) (i32.const 2)))
    (local.set $a2 (i32.shl (local.get $down) (i32.const 1)))
    (local.set $a3 (i32.add (local.get $a2) (local.get $down)))
    (loop $columns
      (if (local.get $bias)
        (then
          (local.set $bias0 (v128.load (i32.add (local.get $bias) (local.get $column))))
          (local.set $bias1 (v128.load offset=16 (i32.add (local.get $bias) (local.get $column))))))
      (local.set $row (local.get $m))
      (local.set $pc (i32.add (local.get $c) (local.get $column)))
      (local.set $left (local.get $a))
      (loop $rows
        (local.set $c00 (local.get $bias0)) (local.set $c01 (local.get $bias1))
        (local.set $c10 (local.get $bias0)) (local.set $c11 (local.get $bias1))
        (local.set $c20 (local.get $bias0)) (local.set $c21 (local.get $bias1))
        (local.set $c30 (local.get $bias0)) (local.set $c31 (local.get $bias1))
        (local.set $pa (local.get $left))
        (local.set $pb (i32.add (local.get $b) (local.get $column)))
        (local.set $end
          (i32.add (local.get $left) (i32.mul (local.get $k) (local.get $along))))
        (loop $depth
          (local.set $p (v128.load (local.get $pb)))
          (local.set $q (v128.load offset=16 (local.get $pb)))
          (local.set $x (v128.load32_splat (local.get $pa)))
          (local.set $c00 (madd (local.get $x) (local.get $p) (local.get $c00)))
          (local.set $c01 (madd (local.get $x) (local.get $q) (local.get $c01)))
          (local.set $x (v128.load32_splat (i32.add (local.get $pa) (local.get $down))))
          (local.set $c10 (madd (local.get $x) (local.get $p) (local.get $c10)))
          (local.set $c11 (madd (local.get $x) (local.get $q) (local.get $c11)))
          (local.set $x (v128.load32_splat (i32.add (local.get $pa) (local.get $a2))))
          (local.set $c20 (madd (local.get $x) (local.get $p) (local.get $c20)))
          (local.set $c21 (madd (local.get $x) (local.get $q) (local.get $c21)))
          (local.set $x (v128.load32_splat (i32.add (local.get $pa) (local.get $a3))))
          (local.set $c30 (madd (local.get $x) (local.get $p) (local.get $c30)))
          (local.set $c31 (madd (local.get $x) (local.get $q) (local.get $c31)))
          (local.set $pa (i32.add (local.get $pa) (local.get $along)))
          (local.set $pb (i32.add (local.get $pb) (local.get $width)))
          (br_if $depth (i32.lt_u (local.get $pa) (local.get $end))))
        (v128.store (local.get $pc) (local.get $c00))
        (v128.store offset=16 (local.get $pc) (local.get $c01))
        (local.set $pc (i32.add (local.get $pc) (local.get $width)))
        (v128.store (local.get $pc) (local.get $c10))
        (v128.store offset=16 (local.get $pc) (local.get $c11))
        (local.set $pc (i32.add (local.get $pc) (local.get $width)))
        (v128.store (local.get $pc) (local.get $c20))
        (v128.store offset=16 (local.get $pc) (local.get $c21))
        (local.set $pc (i32.add (local.get $pc) (local.get $width)))
        (v128.store (local.get $pc) (local.get $c30))
        (v128.store offset=16 (local.get $pc) (local.get $c31))
        (local.set $pc (i32.add (local.get $pc) (local.get $width)))
        (local.set $left (i32.add (local.get $left) (i32.shl (local.get $down) (i32.const 2))))
        (br_if $rows (local.tee $row (i32.sub (local.get $row) (i32.const 4)))))
      (local.set $column (i32.add (local.get $column) (i32.const 32)))
      (br_if $columns (i32.lt_u (local.get $column) (local.get $width)))))

  ;; B = A transposed.   A: m × n, both multiples of 4. Blocks of 4 × 4.
  (func (export "transpose") (param $b i32) (param $a i32) (param $m i32) (param $n i32)
    (local $wide i32) (local $tall i32) (local $column i32) (local $row i32)
    (local $from i32) (local $to i32)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local $pq v128) (local $rs v128)
    (local.set $wide (i32.shl (local.get $n) (i32.const 2)))
    (local.set $tall (i32.shl (local.get $m) (i32.const 2)))
    (loop $rows
      (local.set $column (i32.const 0))
      (local.set $from (i32.add (local.get $a) (i32.mul (local.get $row) (local.get $wide))))
      (local.set $to (i32.add (local.get $b) (i32.shl (local.get $row) (i32.const 2))))
      (loop $columns
        (local.set $p (v128.load (local.get $from)))
        (local.set $q (v128.load (i32.add (local.get $from) (local.get $wide))))
        (local.set $r (v128.load
          (i32.add (local.get $from) (i32.shl (local.get $wide) (i32.const 1)))))
        (local.set $s (v128.load
          (i32.add (local.get $from) (i32.mul (local.get $wide) (i32.const 3)))))
        (local.set $pq (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          (local.get $p) (local.get $q)))
        (local.set $rs (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          (local.get $r) (local.get $s)))
        (v128.store (local.get $to)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (local.get $pq) (local.get $rs)))
        (local.set $to (i32.add (local.get $to) (local.get $tall)))
        (v128.store (local.get $to)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
            (local.get $pq) (local.get $rs)))
        (local.set $to (i32.add (local.get $to) (local.get $tall)))
        (local.set $pq (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          (local.get $p) (local.get $q)))
        (local.set $rs (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          (local.get $r) (local.get $s)))
        (v128.store (local.get $to)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (local.get $pq) (local.get $rs)))
        (local.set $to (i32.add (local.get $to) (local.get $tall)))
        (v128.store (local.get $to)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
            (local.get $pq) (local.get $rs)))
        (local.set $to (i32.add (local.get $to) (local.get $tall)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (br_if $columns (i32.lt_u
          (local.tee $column (i32.add (local.get $column) (i32.const 4))) (local.get $n))))
      (br_if $rows (i32.lt_u
        (local.tee $row (i32.add (local.get $row) (i32.const 4))) (local.get $m)))))

  ;; out = the sums of the columns of A.   A: m × n.
  (func (export "columnSums") (param $out i32) (param $a i32) (param $m i32) (param $n i32)
    (local $width i32) (local $column i32) (local $row i32) (local $from i32) (local $sum v128)
    (local.set $width (i32.shl (local.get $n) (i32.const 2)))
    (loop $columns
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $from (i32.add (local.get $a) (local.get $column)))
      (local.set $row (local.get $m))
      (loop $rows
        (local.set $sum (f32x4.add (local.get $sum) (v128.load (local.get $from))))
        (local.set $from (i32.add (local.get $from) (local.get $width)))
        (br_if $rows (local.tee $row (i32.sub (local.get $row) (i32.const 1)))))
      (v128.store (i32.add (local.get $out) (local.get $column)) (local.get $sum))
      (br_if $columns (i32.lt_u
        (local.tee $column (i32.add (local.get $column) (i32.const 16))) (local.get $width)))))

  ;; Leaky ReLU in place, n numbers: x where x > 0, else slope * x.
  (func (export "leaky") (param $a i32) (param $n i32) (param $slope f32)
    (local $end i32) (local $x v128) (local $s v128)
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $s (f32x4.splat (local.get $slope)))
    (loop $all
      (local.set $x (v128.load (local.get $a)))
      (v128.store (local.get $a) (v128.bitselect
        (local.get $x)
        (f32x4.mul (local.get $x) (local.get $s))
        (f32x4.gt (local.get $x) (v128.const i32x4 0 0 0 0))))
      (br_if $all (i32.lt_u
        (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end)))))

  ;; Its gradient in place: d, or slope * d where the activation y isn't above 0.
  (func (export "leakyBackward") (param $d i32) (param $y i32) (param $n i32) (param $slope f32)
    (local $end i32) (local $x v128) (local $s v128)
    (local.set $end (i32.add (local.get $d) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $s (f32x4.splat (local.get $slope)))
    (loop $all
      (local.set $x (v128.load (local.get $d)))
      (v128.store (local.get $d) (v128.bitselect
        (local.get $x)
        (f32x4.mul (local.get $x) (local.get $s))
        (f32x4.gt (v128.load (local.get $y)) (v128.const i32x4 0 0 0 0))))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $all (i32.lt_u
        (local.tee $d (i32.add (local.get $d) (i32.const 16))) (local.get $end)))))

  ;; p = sigmoid(a), n numbers. exp(t) = 2^round(t / ln 2) * exp(rest), the rest by its series.
  (func (export "sigmoid") (param $p i32) (param $a i32) (param $n i32)
    (local $end i32) (local $t v128) (local $power v128) (local $e v128)
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $n) (i32.const 2))))
    (loop $all
      (local.set $t (f32x4.max (v128.const f32x4 -87 -87 -87 -87)
        (f32x4.min (v128.const f32x4 87 87 87 87) (f32x4.neg (v128.load (local.get $a))))))
      (local.set $power (f32x4.nearest (f32x4.mul (local.get $t)
        (v128.const f32x4 1.44269504 1.44269504 1.44269504 1.44269504))))
      (local.set $t (f32x4.sub (local.get $t) (f32x4.mul (local.get $power)
        (v128.const f32x4 0.693359375 0.693359375 0.693359375 0.693359375))))
      (local.set $t (f32x4.sub (local.get $t) (f32x4.mul (local.get $power)
        (v128.const f32x4 -2.12194440e-4 -2.12194440e-4 -2.12194440e-4 -2.12194440e-4))))
      (local.set $e (madd (local.get $t)
        (v128.const f32x4 1.388889e-3 1.388889e-3 1.388889e-3 1.388889e-3)
        (v128.const f32x4 8.333333e-3 8.333333e-3 8.333333e-3 8.333333e-3)))
      (local.set $e (madd (local.get $t) (local.get $e)
        (v128.const f32x4 4.166667e-2 4.166667e-2 4.166667e-2 4.166667e-2)))
      (local.set $e (madd (local.get $t) (local.get $e)
        (v128.const f32x4 1.666667e-1 1.666667e-1 1.666667e-1 1.666667e-1)))
      (local.set $e (madd (local.get $t) (local.get $e) (v128.const f32x4 0.5 0.5 0.5 0.5)))
      (local.set $e (madd (local.get $t) (local.get $e) (v128.const f32x4 1 1 1 1)))
      (local.set $e (madd (local.get $t) (local.get $e) (v128.const f32x4 1 1 1 1)))
      (local.set $e (f32x4.mul (local.get $e) (i32x4.shl
        (i32x4.add (i32x4.trunc_sat_f32x4_s (local.get $power))
          (v128.const i32x4 127 127 127 127))
        (i32.const 23))))
      (v128.store (local.get $p) (f32x4.div (v128.const f32x4 1 1 1 1)
        (f32x4.add (v128.const f32x4 1 1 1 1) (local.get $e))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (br_if $all (i32.lt_u
        (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end)))))

  ;; Half the squared error of n pixels, summed; d = its gradient for the logits, times `scale`.
  ;; p: sigmoid of the logits. x: the pixels.
  (func (export "squaredError")
    (param $d i32) (param $p i32) (param $x i32) (param $n i32) (param $scale f32) (result f32)
    (local $end i32) (local $out v128) (local $off v128) (local $sum v128)
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $n) (i32.const 2))))
    (loop $all
      (local.set $out (v128.load (local.get $p)))
      (local.set $off (f32x4.sub (local.get $out) (v128.load (local.get $x))))
      (local.set $sum (madd (local.get $off) (local.get $off) (local.get $sum)))
      (v128.store (local.get $d) (f32x4.mul
        (f32x4.mul (local.get $off) (f32x4.splat (local.get $scale)))
        (f32x4.mul (local.get $out)
          (f32x4.sub (v128.const f32x4 1 1 1 1) (local.get $out)))))
      (local.set $d (i32.add (local.get $d) (i32.const 16)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $all (i32.lt_u
        (local.tee $p (i32.add (local.get $p) (i32.const 16))) (local.get $end))))
    (f32.mul (f32.const 0.5) (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum))))))

  ;; Adam, n weights: w -= rate * m / (sqrt(v) * root + 1e-8), where rate = lr / (1 - beta1^t) and
  ;; root = 1 / sqrt(1 - beta2^t). Moments below 1e-30 become 0: subnormal numbers are slow on
  ;; some processors, and WebAssembly can't flush them itself.
  (func (export "adam")
    (param $w i32) (param $g i32) (param $m i32) (param $v i32) (param $n i32)
    (param $rate f32) (param $beta1 f32) (param $beta2 f32) (param $root f32)
    (local $end i32) (local $grad v128) (local $first v128) (local $second v128)
    (local $keep1 v128) (local $keep2 v128) (local $new1 v128) (local $new2 v128)
    (local.set $keep1 (f32x4.splat (local.get $beta1)))
    (local.set $keep2 (f32x4.splat (local.get $beta2)))
    (local.set $new1 (f32x4.splat (f32.sub (f32.const 1) (local.get $beta1))))
    (local.set $new2 (f32x4.splat (f32.sub (f32.const 1) (local.get $beta2))))
    (local.set $end (i32.add (local.get $w) (i32.shl (local.get $n) (i32.const 2))))
    (loop $all
      (local.set $grad (v128.load (local.get $g)))
      (local.set $first (f32x4.add
        (f32x4.mul (local.get $keep1) (v128.load (local.get $m)))
        (f32x4.mul (local.get $new1) (local.get $grad))))
      (local.set $first (v128.and (local.get $first) (f32x4.gt (f32x4.abs (local.get $first))
        (v128.const f32x4 1e-30 1e-30 1e-30 1e-30))))
      (local.set $second (f32x4.add
        (f32x4.mul (local.get $keep2) (v128.load (local.get $v)))
        (f32x4.mul (local.get $new2) (f32x4.mul (local.get $grad) (local.get $grad)))))
      (local.set $second (v128.and (local.get $second) (f32x4.gt (local.get $second)
        (v128.const f32x4 1e-30 1e-30 1e-30 1e-30))))
      (v128.store (local.get $m) (local.get $first))
      (v128.store (local.get $v) (local.get $second))
      (v128.store (local.get $w) (f32x4.sub (v128.load (local.get $w)) (f32x4.div
        (f32x4.mul (f32x4.splat (local.get $rate)) (local.get $first))
        (f32x4.add
          (f32x4.mul (f32x4.sqrt (local.get $second)) (f32x4.splat (local.get $root)))
          (v128.const f32x4 1e-8 1e-8 1e-8 1e-8)))))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br_if $all (i32.lt_u
        (local.tee $w (i32.add (local.get $w) (i32.const 16))) (local.get $end)))))
)
