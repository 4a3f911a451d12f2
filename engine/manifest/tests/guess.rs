//! How lists are written, guessed from their start.

use longshore_job::row::KeyEncoding;
use longshore_job::spec::{Field, ListFormat, Meaning, ReportRows};
use longshore_manifest::{Compression, Given, ListGuess, ListStart};

fn guess_with(text: &str, given: &Given) -> ListGuess {
    ListStart::new(text.as_bytes().to_vec(), true, Compression::None, None).guess(given)
}

fn guess(text: &str) -> ListGuess {
    guess_with(text, &Given::default())
}

fn csv(header: bool, delimiter: char, fields: &[Field]) -> ListGuess {
    let format = ListFormat::Csv { header, delimiter };
    ListGuess { format, fields: fields.to_vec(), keys: KeyEncoding::Url, lacks_bucket: false }
}

const VERSION: &str = "3HL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY";

#[test]
fn csv_without_a_header() {
    let (bucket, key, version, ignore) = (Field::BUCKET, Field::KEY, Field::VERSION_ID, Field::IGNORE);
    let two = [bucket.clone(), key.clone()];
    assert_eq!(guess("b,k\nb,l\n"), csv(false, ',', &two));
    assert_eq!(guess("\"b\",\"a,b\"\n"), csv(false, ',', &two));
    assert_eq!(guess("b\tk,1\nb\tl\n"), csv(false, '\t', &two));
    assert_eq!(guess("b;k\n"), csv(false, ';', &two));
    let three = [bucket.clone(), key.clone(), version];
    assert_eq!(guess(&format!("b,k,{VERSION}\nb,l,null\n")), csv(false, ',', &three));
    let sized = [bucket, key.clone(), ignore.clone(), ignore];
    assert_eq!(guess("b,k,123,2026-01-01T00:00:00Z\nb,l,5,2026-01-01T00:00:00Z\n"), csv(false, ',', &sized));
    assert_eq!(guess(""), csv(false, ',', &two));
    let keys = guess("some key\nother/key\n");
    assert!(keys.lacks_bucket);
    let given = Given { bucket: true, ..Given::default() };
    assert_eq!(guess_with("one/key\nother/key\n", &given), csv(false, ',', &[key]));
}

#[test]
fn headers() {
    let named = |column: &str, meaning| Field { column: Some(column.into()), meaning };
    assert_eq!(guess("size,KEY,bucket,version_id\n3,k,b,null\n"), csv(true, ',', &[]));
    let fields = [Field::IGNORE, Field::KEY, Field::BUCKET];
    assert_eq!(guess("size;s3_key;bucket_name\n3;k;b\n"), csv(true, ';', &fields));
    // Of a bucket that is called so, too, the header is the likelier.
    assert_eq!(guess("bucket,key\nbucket,k\n"), csv(true, ',', &[]));
    let json = guess("{\"bucket\":\"b\",\"key\":\"k\",\"n\":1}\n");
    assert_eq!(json.format, ListFormat::JsonLines);
    assert_eq!(json.fields, [named("bucket", Meaning::Bucket), named("key", Meaning::Key)]);
    assert_eq!(guess("{\"Bucket\":\"b\",\"Key\":\"k\"}\n").fields, []);
}

#[test]
fn keys() {
    let keys = |text: &str| guess(text).keys;
    assert_eq!(keys("b,plain\n"), KeyEncoding::Url);
    assert_eq!(keys("b,a%20b\n"), KeyEncoding::Url);
    assert_eq!(keys("b,plain\nb,100%\n"), KeyEncoding::Raw);
    assert_eq!(keys("b,a b\n"), KeyEncoding::Raw);
    assert_eq!(keys("b,a b\nb,a%20b\n"), KeyEncoding::Url);
    assert_eq!(keys("{\"Bucket\":\"b\",\"Key\":\"ü\"}\n"), KeyEncoding::Raw);
}

#[test]
fn lists_of_several_files_and_what_is_given() {
    let format = |text: &str| guess(text).format;
    assert!(matches!(
        format("{\n \"sourceBucket\": \"b\", \"fileSchema\": \"\"}"),
        ListFormat::Inventory { .. }
    ));
    assert!(matches!(
        format("{\"Format\":\"Report_CSV_20180820\",\"Results\":[]}"),
        ListFormat::Report { .. }
    ));
    let result = "b,k,,failed,404,NoSuchKey,gone\n";
    assert_eq!(format(result), ListFormat::Report { rows: ReportRows::Failed });
    assert_eq!(format("PAR1..."), ListFormat::Parquet);
    assert_eq!(format("ORC..."), ListFormat::Orc);
    let given = Given {
        fields: Some(vec![Field::BUCKET, Field::KEY]),
        header: Some(true),
        delimiter: Some(b'|'),
        keys: Some(KeyEncoding::Raw),
        ..Given::default()
    };
    let expected = csv(true, '|', &[Field::BUCKET, Field::KEY]);
    assert_eq!(guess_with("b,k\n", &given), ListGuess { keys: KeyEncoding::Raw, ..expected });
}
