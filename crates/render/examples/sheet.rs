//! Draws shots of a scenario side by side: `cargo run --release -p gaze-render --example sheet -- OUT.png KIND SEED FIRST STEP COUNT [WIDTH HEIGHT]`.
//! Prints seconds of one core for each picture.

use std::sync::Arc;
use std::time::Instant;

use render::scenario::{Kind, Painter, People, Plan};
use render::scene::Picture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let out = args.first().ok_or("give the name of a PNG file")?;
    let kind: Kind = args.get(1).map_or("random", String::as_str).parse()?;
    let number = |i: usize, or: usize| args.get(i).map_or(Ok(or), |a| a.parse::<usize>());
    let (seed, first, step) = (number(2, 1)?, number(3, 0)?, number(4, 1)?);
    let count = number(5, 12)?;
    let size = (number(6, 640)?, number(7, 480)?);
    let plan = Plan {
        size: Some((size.0 as u32, size.1 as u32)),
        ..Plan::new(kind, seed as u64)
    };
    let people = Arc::new(People::new(8));
    let mut painter = Painter::new(people.clone());
    let columns = 4.min(count);
    let rows = count.div_ceil(columns);
    let width = columns * size.0;
    let mut sheet = vec![0u8; 3 * width * rows * size.1];
    let mut picture = Picture::default();
    let (mut made, mut drawn) = (0.0, 0.0);
    for k in 0..count {
        let shot = plan.shot(first + k * step);
        let start = Instant::now();
        for seed in &shot.people {
            people.get(*seed);
        }
        made += start.elapsed().as_secs_f64();
        let start = Instant::now();
        painter.paint(&shot, &mut picture);
        drawn += start.elapsed().as_secs_f64();
        let (x, y) = ((k % columns) * size.0, (k / columns) * size.1);
        for (row, line) in picture.rgb.chunks_exact(3 * size.0).enumerate() {
            let at = 3 * ((y + row) * width + x);
            sheet[at..at + line.len()].copy_from_slice(line);
        }
    }
    image::save_buffer(
        out,
        &sheet,
        width as u32,
        (rows * size.1) as u32,
        image::ColorType::Rgb8,
    )?;
    let n = count as f64;
    println!(
        "people {:.3} s, drawing {:.3} s a picture",
        made / n,
        drawn / n
    );
    Ok(())
}
