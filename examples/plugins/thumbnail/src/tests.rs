use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use longshore_sdk::testing::{FakeStore, Fixture, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Thumbnail;

const RED: Rgb<u8> = Rgb([200, 10, 10]);
const BLUE: Rgb<u8> = Rgb([10, 10, 200]);

/// A picture with a red left half and a blue right one.
fn halves(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, _| if x < width / 2 { RED } else { BLUE }))
}

fn file_of(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn fixture(body: Vec<u8>) -> Fixture {
    Fixture { size: body.len() as u64, body, etag: Some("\"e1\"".to_owned()), ..Fixture::default() }
}

fn run(store: &FakeStore, key: &str, parameters: &str) -> Result<Outcome, Failure> {
    operation::<Thumbnail>(parameters).unwrap().run(&store.object("b", key), &store.task())
}

/// The thumbnail of a file.
fn thumbnail(file: Vec<u8>, parameters: &str) -> DynamicImage {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(file));
    let outcome = run(&store, "k", parameters).unwrap();
    assert!(
        matches!(&outcome, Outcome::Done(Some(said)) if said.starts_with("s3://b/thumbnails/k.jpg: ")),
        "{outcome:?}"
    );
    image::load_from_memory(&store.fixture("b", "thumbnails/k.jpg").unwrap().body).unwrap()
}

fn failure(file: Vec<u8>, parameters: &str) -> (String, String) {
    let store = FakeStore::new();
    store.insert("b", "k.jpg", fixture(file));
    let failure = run(&store, "k.jpg", parameters).unwrap_err();
    assert_eq!(store.fixture("b", "thumbnails/k.jpg.jpg"), None, "nothing is written");
    (failure.code, failure.message)
}

fn is_like(found: Rgb<u8>, wanted: Rgb<u8>) -> bool {
    found.0.iter().zip(wanted.0).all(|(a, b)| a.abs_diff(b) < 40)
}

#[test]
fn pictures_of_three_formats_become_small_ones() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let small =
            thumbnail(file_of(&halves(400, 200), format), r#"{"width": 100, "height": 80}"#).into_rgb8();
        assert_eq!(small.dimensions(), (100, 50), "{format:?}");
        assert!(
            is_like(*small.get_pixel(5, 25), RED) && is_like(*small.get_pixel(95, 25), BLUE),
            "{format:?}"
        );
    }
}

#[test]
fn a_thumbnail_is_of_the_format_that_is_wanted() {
    for (name, format) in
        [("jpeg", ImageFormat::Jpeg), ("png", ImageFormat::Png), ("webp", ImageFormat::WebP)]
    {
        let store = FakeStore::new();
        store.insert("b", "k", fixture(file_of(&halves(40, 20), ImageFormat::Png)));
        run(
            &store,
            "k",
            &format!(r#"{{"format": "{name}", "target-key": "t/{{{{key}}}}", "target-bucket": "other"}}"#),
        )
        .unwrap();
        let made = store.fixture("other", "t/k").unwrap();
        assert_eq!(image::guess_format(&made.body).unwrap(), format);
        assert_eq!(made.content_type.as_deref(), Some(format.to_mime_type()));
    }
}

#[test]
fn nothing_is_enlarged() {
    let small = thumbnail(file_of(&halves(10, 6), ImageFormat::Png), r#"{"width": 100, "height": 80}"#);
    assert_eq!((small.width(), small.height()), (10, 6));
    let one = thumbnail(file_of(&halves(2000, 1), ImageFormat::Png), r#"{"width": 10, "height": 10}"#);
    assert_eq!((one.width(), one.height()), (10, 1));
}

#[test]
fn what_is_transparent_becomes_white_paper() {
    let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(8, 8, Rgba([0, 0, 0, 0])));
    let on_paper = thumbnail(file_of(&clear, ImageFormat::Png), "{}").into_rgb8();
    assert!(is_like(*on_paper.get_pixel(4, 4), Rgb([255, 255, 255])));
    let store = FakeStore::new();
    store.insert("b", "k", fixture(file_of(&clear, ImageFormat::Png)));
    run(&store, "k", r#"{"format": "webp"}"#).unwrap();
    let still_clear = image::load_from_memory(&store.fixture("b", "thumbnails/k.jpg").unwrap().body).unwrap();
    assert_eq!(still_clear.into_rgba8().get_pixel(4, 4).0[3], 0);
}

/// A JPEG file whose EXIF data say that the camera was held on its side, and where that was.
fn on_its_side(picture: &DynamicImage) -> Vec<u8> {
    let jpeg = file_of(picture, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
    exif.extend_from_slice(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    exif.extend_from_slice(b"\x01\x0f\0\x02\0\0\0\x04HERE\0\0\0\0");
    let mut file = jpeg[..2].to_vec();
    file.extend_from_slice(&[0xff, 0xe1]);
    file.extend_from_slice(&u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    file.extend_from_slice(&exif);
    file.extend_from_slice(&jpeg[2..]);
    file
}

#[test]
fn thumbnails_are_upright_and_tell_no_places() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(on_its_side(&halves(400, 200))));
    run(&store, "k", r#"{"width": 100, "height": 80}"#).unwrap();
    let made = store.fixture("b", "thumbnails/k.jpg").unwrap().body;
    let small = image::load_from_memory(&made).unwrap().into_rgb8();
    assert_eq!(small.dimensions(), (40, 80), "the box is that of the upright picture");
    assert!(is_like(*small.get_pixel(20, 5), RED) && is_like(*small.get_pixel(20, 75), BLUE));
    assert!(!made.windows(4).any(|window| window == b"HERE" || window == b"Exif"));
}

/// A PNG file that says it were so large.
fn said_to_be(width: u32, height: u32) -> Vec<u8> {
    let mut file = file_of(&halves(4, 4), ImageFormat::Png);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32fast::hash(&file[12..29]);
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    file
}

#[test]
fn bombs_do_not_go_off() {
    for (width, height) in [(100_000, 100_000), (u32::MAX >> 1, 1), (4000, 4000)] {
        let (code, message) = failure(said_to_be(width, height), "{}");
        assert_eq!(code, "ImageTooLarge", "{message}");
    }
    let (code, message) = failure(file_of(&halves(30, 20), ImageFormat::Jpeg), r#"{"max-pixels": 599}"#);
    assert_eq!(code, "ImageTooLarge");
    assert_eq!(message, "30 x 20 are 600 pixels of 1800 bytes; max-pixels is 599");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture { size: 1 << 40, ..fixture(Vec::new()) });
    let failure = run(&store, "k", "{}").unwrap_err();
    assert_eq!(failure.code, "ImageTooLarge");
    assert_eq!(store.sent(), ["HeadObject s3://b/k"]);
}

#[test]
fn damaged_files_fail() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let file = file_of(&halves(64, 64), format);
        for length in [file.len() / 2, 30] {
            let code = failure(file[..length].to_vec(), "{}").0;
            assert!(
                ["ImageDamaged", "UnsupportedImage"].contains(&code.as_str()),
                "{format:?} {length}: {code}"
            );
        }
    }
}

#[test]
fn what_is_no_picture_fails_or_is_skipped() {
    for file in [b"".to_vec(), b"<html>".to_vec(), b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), b"\xff".to_vec()] {
        assert_eq!(failure(file.clone(), "{}").0, "NotAnImage", "{file:?}");
        let store = FakeStore::new();
        store.insert("b", "k.jpg", fixture(file));
        let outcome = run(&store, "k.jpg", r#"{"skip-other-files": true}"#).unwrap();
        assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
    }
}

#[test]
fn a_second_run_decodes_nothing_until_the_picture_changes() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(file_of(&halves(40, 20), ImageFormat::Png)));
    run(&store, "k", "{}").unwrap();
    let up_to_date = Ok(Outcome::Skipped("its thumbnail is up to date".to_owned()));
    assert_eq!(run(&store, "k", "{}"), up_to_date);
    assert!(matches!(run(&store, "k", r#"{"width": 20}"#), Ok(Outcome::Done(_))), "another size");
    assert!(matches!(run(&store, "k", "{}"), Ok(Outcome::Done(_))));
    let other =
        Fixture { etag: Some("\"e2\"".to_owned()), ..fixture(file_of(&halves(20, 40), ImageFormat::Png)) };
    store.insert("b", "k", other);
    assert!(matches!(run(&store, "k", "{}"), Ok(Outcome::Done(_))), "another picture");
    assert_eq!(run(&store, "k", "{}"), up_to_date);
}

#[test]
fn a_thumbnail_has_none_and_takes_no_picture_s_place() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(file_of(&halves(40, 20), ImageFormat::Png)));
    run(&store, "k", "{}").unwrap();
    assert_eq!(
        run(&store, "thumbnails/k.jpg", "{}"),
        Ok(Outcome::Skipped("it is a thumbnail itself".to_owned()))
    );
    let failure = run(&store, "k", r#"{"target-key": "{{key}}"}"#).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
}

#[test]
fn parameters_are_checked() {
    let error = operation::<Thumbnail>(r#"{"target-key": "{{kez}}"}"#).unwrap_err();
    assert!(error.contains("there is no {{kez}}"), "{error}");
}
