//! Signed requests, as Standard Webhooks (<https://www.standardwebhooks.com>) describes them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The headers that sign one attempt to deliver `body`, made at `time` (seconds since 1970). `id` is the same in every attempt.
pub fn headers(key: &[u8], id: &str, time: i64, body: &[u8]) -> [(&'static str, String); 3] {
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", time.to_string()),
        ("webhook-signature", signature(key, id, time, body)),
    ]
}

fn signature(key: &[u8], id: &str, time: i64, body: &[u8]) -> String {
    let signed = Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(format!("{id}.{time}.")).chain_update(body));
    // A key of any length will do.
    signed
        .map(|mac| format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, section "Verifying signatures".
    #[test]
    fn the_signature_of_the_specification() {
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = b"{\"test\": 2432232314}";
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
