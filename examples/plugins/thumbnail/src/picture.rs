//! From the bytes of a picture to those of a small one, within bounds.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
    RgbImage,
};
use longshore_sdk::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

/// Bytes of a decoded pixel: four channels of 8 bits. A picture with channels of 16 bits may have half as many pixels.
const BYTES_OF_A_PIXEL: u64 = 4;
/// Most bytes of a colour profile that a thumbnail keeps; those of cameras and phones have a few hundred.
const MAX_PROFILE_BYTES: usize = 16 << 10;

/// The format of thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Format {
    /// Small; what is transparent becomes white.
    #[default]
    Jpeg,
    /// Without loss.
    Png,
    /// Without loss, and smaller than PNG.
    Webp,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// What a thumbnail shall be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: Format,
    pub(crate) quality: u8,
    pub(crate) max_pixels: u64,
}

/// The thumbnail of a picture; `None` if it is no picture of a format that is known here.
pub(crate) fn thumbnail(bytes: Vec<u8>, wanted: Wanted) -> Result<Option<Vec<u8>>, Failure> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| damaged(error.into()))?;
    let Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) = reader.format() else {
        return Ok(None);
    };
    let most_bytes = wanted.max_pixels.saturating_mul(BYTES_OF_A_PIXEL);
    let mut limits = Limits::default();
    limits.max_alloc = Some(most_bytes);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > wanted.max_pixels || decoder.total_bytes() > most_bytes {
        let bytes = decoder.total_bytes();
        let message = format!(
            "{width} x {height} are {pixels} pixels of {bytes} bytes; max-pixels is {}",
            wanted.max_pixels
        );
        return Err(Failure::new("ImageTooLarge", message));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let profile =
        decoder.icc_profile().map_err(damaged)?.filter(|profile| profile.len() <= MAX_PROFILE_BYTES);
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let small = shrink(picture, wanted, orientation);
    encode(small, profile, wanted).map(Some).map_err(damaged)
}

/// Fits a picture into the box, upright; one that fits already stays as large as it is.
fn shrink(picture: DynamicImage, wanted: Wanted, orientation: Orientation) -> DynamicImage {
    let lies = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if lies { (wanted.height, wanted.width) } else { (wanted.width, wanted.height) };
    let fits = picture.width() <= width && picture.height() <= height;
    let mut small = if fits { picture } else { picture.thumbnail(width, height) };
    small.apply_orientation(orientation);
    small
}

fn encode(small: DynamicImage, profile: Option<Vec<u8>>, wanted: Wanted) -> ImageResult<Vec<u8>> {
    let small = match wanted.format {
        Format::Jpeg => DynamicImage::ImageRgb8(on_white(small)),
        _ if small.color().has_alpha() => DynamicImage::ImageRgba8(small.into_rgba8()),
        _ => DynamicImage::ImageRgb8(small.into_rgb8()),
    };
    let mut encoded = Vec::new();
    match wanted.format {
        Format::Jpeg => write(&small, profile, JpegEncoder::new_with_quality(&mut encoded, wanted.quality))?,
        Format::Png => write(&small, profile, PngEncoder::new(&mut encoded))?,
        Format::Webp => write(&small, profile, WebPEncoder::new_lossless(&mut encoded))?,
    }
    Ok(encoded)
}

fn write(small: &DynamicImage, profile: Option<Vec<u8>>, mut encoder: impl ImageEncoder) -> ImageResult<()> {
    if let Some(profile) = profile {
        // A format that has no place for it goes without.
        let _ = encoder.set_icc_profile(profile);
    }
    encoder.write_image(small.as_bytes(), small.width(), small.height(), small.color().into())
}

/// The picture as it looks on white paper.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let alpha = u16::from(alpha);
        // Of two bytes weighed by shares of 255 the sum is a byte again.
        let mix = |colour: u8| ((u16::from(colour) * alpha + 255 * (255 - alpha)) / 255) as u8;
        image::Rgb([mix(red), mix(green), mix(blue)])
    })
}

fn damaged(error: ImageError) -> Failure {
    match error {
        ImageError::Limits(_) => Failure::new("ImageTooLarge", error.to_string()),
        ImageError::Unsupported(_) => Failure::new("UnsupportedImage", error.to_string()),
        _ => Failure::new("ImageDamaged", error.to_string()),
    }
}
