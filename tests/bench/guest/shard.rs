//! What the guests of the benchmark do, that of Longshore and that of Extism: read from a key where a file of a data lake belongs.

/// Shards that files are spread over.
const SHARDS: u32 = 128;

/// `landing/dataset=orders/year=2026/month=11/day=29/part-00042-5f0c.parquet` is part 42 of `orders`, of the day 20786 after the
/// first of 1970, in the shard that the CRC-32 of its key gives it.
pub(crate) fn shard(key: &str) -> Result<String, &'static str> {
    let (folders, file) = key.rsplit_once('/').ok_or("the key has no folders")?;
    let value = |name: &str| {
        let found = folders.split('/').find_map(|folder| folder.strip_prefix(name)?.strip_prefix('='));
        found.ok_or("a folder is missing")
    };
    let number = |name: &str| value(name)?.parse::<u32>().map_err(|_| "a folder has no number");
    let day = day(number("year")?, number("month")?, number("day")?)?;
    let part = file.strip_prefix("part-").and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
    let part = part.ok_or("the file has no part")?;
    let shard = crc32(key.as_bytes()) % SHARDS;
    Ok(format!("{}, day {day}, part {part}, shard {shard} of {SHARDS}", value("dataset")?))
}

/// Days since the first of 1970 of a date of the Gregorian calendar.
fn day(year: u32, month: u32, day: u32) -> Result<u32, &'static str> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let months = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month).ok().and_then(|month| month.checked_sub(1));
    let length = index.and_then(|index| months.get(index)).ok_or("there is no such month")?;
    if day < 1 || day > *length || !(1970..10_000).contains(&year) {
        return Err("there is no such day");
    }
    let before = |year: u32| 365 * year + year / 4 - year / 100 + year / 400;
    let months: u32 = months.iter().zip(1..month).map(|(length, _)| length).sum();
    Ok(before(year - 1) - before(1969) + months + day - 1)
}

/// CRC-32 of zlib, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
