use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

fn declared(pairs: &[(&str, &str)]) -> S3Result<Declared> {
    Declared::of_headers(&headers(pairs), Algorithm::Crc64Nvme)
}

fn code<T: std::fmt::Debug>(result: S3Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

/// The check values of the catalogue of CRCs, those of the documents of MD5 and SHA, and of xxHash what its Python package says,
/// over `123456789`.
#[test]
fn algorithms_give_the_published_values() {
    let of = |algorithm| Digest::of(algorithm, b"123456789").1.value;
    let hex = |value: &str| hex::encode(BASE64.decode(value).unwrap());
    assert_eq!(hex(&of(Algorithm::Crc32)), "cbf43926");
    assert_eq!(hex(&of(Algorithm::Crc32c)), "e3069283");
    assert_eq!(hex(&of(Algorithm::Crc64Nvme)), "ae8b14860a799888");
    assert_eq!(hex(&of(Algorithm::Sha1)), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    assert_eq!(
        hex(&of(Algorithm::Sha256)),
        "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    );
    assert_eq!(hex(&of(Algorithm::Md5)), "25f9e794323b453885f5181f1b624d0b");
    assert!(
        hex(&of(Algorithm::Sha512))
            .starts_with("d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a")
    );
    assert_eq!(hex(&of(Algorithm::XxHash64)), "8cb841db40e6ae83");
    assert_eq!(hex(&of(Algorithm::XxHash3)), "72dcb18b67a17dff");
    assert_eq!(hex(&of(Algorithm::XxHash128)), "33119477ede5dcd5e9716427681d5860");
    assert_eq!(hex::encode(Digest::of(Algorithm::Crc32, b"").0), "d41d8cd98f00b204e9800998ecf8427e");
}

#[test]
fn a_request_declares_one_checksum() {
    assert_eq!(declared(&[]).unwrap().algorithm, Algorithm::Crc64Nvme);
    assert_eq!(declared(&[("x-amz-checksum-sha1", "x")]).unwrap().algorithm, Algorithm::Sha1);
    assert_eq!(declared(&[("x-amz-trailer", "x-amz-checksum-crc32c")]).unwrap().algorithm, Algorithm::Crc32c);
    assert_eq!(
        declared(&[("x-amz-checksum-type", "FULL_OBJECT"), ("x-amz-checksum-algorithm", "SHA256")])
            .unwrap()
            .algorithm,
        Algorithm::Crc64Nvme
    );
    assert_eq!(
        code(declared(&[("x-amz-checksum-sha1", "x"), ("x-amz-checksum-crc32", "x")])),
        "InvalidRequest"
    );
    assert_eq!(code(declared(&[("x-amz-checksum-crc16", "x")])), "InvalidRequest");
    assert_eq!(code(declared(&[("x-amz-sdk-checksum-algorithm", "CRC32")])), "InvalidRequest");
}

#[test]
fn each_algorithm_has_its_header_and_its_element() {
    for algorithm in Algorithm::ALL {
        let name = algorithm.name();
        assert_eq!(algorithm.header().as_str(), format!("x-amz-checksum-{}", name.to_lowercase()));
        assert_eq!(declared(&[(algorithm.header().as_str(), "x")]).unwrap().algorithm, algorithm);
        let element = element(&Digest::of(algorithm, b"").1);
        assert_eq!(element, format!("Checksum{name}"));
        assert_eq!(Algorithm::of_element(element.as_bytes()), Some(algorithm));
    }
    assert_eq!(Algorithm::of_element(b"ChecksumType"), None);
}

#[test]
fn values_are_compared() {
    let sum = Digest::of(Algorithm::Crc32, b"body").1.value;
    let other = Digest::of(Algorithm::Crc32, b"other").1.value;
    let verify = |value: &str| declared(&[("x-amz-checksum-crc32", value)]).unwrap().verify(&sum, None);
    assert!(verify(&sum).is_ok());
    assert_eq!(code(verify(&other)), "BadDigest");
    assert_eq!(code(verify("no checksum")), "InvalidRequest");
    let trailer = declared(&[("x-amz-trailer", "x-amz-checksum-crc32")]).unwrap();
    assert_eq!(code(trailer.verify(&sum, None)), "InvalidRequest");
}

#[test]
fn content_md5_is_compared() {
    let md5 = Digest::of(Algorithm::Crc32, b"body").0;
    assert!(verify_md5(None, md5).is_ok());
    assert!(verify_md5(Some(&BASE64.encode(md5)), md5).is_ok());
    assert_eq!(code(verify_md5(Some(&BASE64.encode([0; 16])), md5)), "BadDigest");
    assert_eq!(code(verify_md5(Some("nonsense"), md5)), "InvalidDigest");
}

#[test]
fn a_composite_checksum_is_that_of_the_parts_checksums() {
    let one = Digest::of(Algorithm::Sha256, b"one").1;
    let two = Digest::of(Algorithm::Sha256, b"two").1;
    let joined = [BASE64.decode(&one.value).unwrap(), BASE64.decode(&two.value).unwrap()].concat();
    let expected = format!("{}-2", Digest::of(Algorithm::Sha256, &joined).1.value);
    let sum = composite(Algorithm::Sha256, &[&one, &two]).unwrap();
    assert_eq!((sum.value, sum.kind.as_str()), (expected, COMPOSITE));
}

#[test]
fn the_checksum_of_all_bytes_is_made_of_those_of_the_parts() {
    let parts: [&[u8]; 4] = [b"one and ", b"", b"two and ", &[0; 1000]];
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let sums = parts.map(|part| Digest::of(algorithm, part).1);
        let sized: Vec<_> = sums.iter().zip(parts).map(|(sum, part)| (sum, part.len() as u64)).collect();
        assert_eq!(full_object(algorithm, &sized).unwrap(), Digest::of(algorithm, &parts.concat()).1);
    }
}
