// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/key.hpp"

#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/eddsa.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t key_file_max_bytes = 4096;

struct Form {
  KeyAlgorithm algorithm;
  std::string_view name;
  std::string_view prefix;  // of the SubjectPublicKeyInfo, up to the raw key
  std::size_t raw_size;
};

// The prefixes in ASN.1: SEQUENCE { SEQUENCE { algorithm OID [, curve OID] }, BIT STRING { 0 unused bits, …
// and for ECDSA 04, the mark of an uncompressed point (SEC 1).
constexpr std::array<Form, 3> forms{{
    {KeyAlgorithm::ed25519, "ed25519", {"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12}, 32},
    {KeyAlgorithm::ecdsa_p256_sha256,
     "ecdsa-p256-sha256",
     {"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42"
      "\x00"
      "\x04",
      27},
     64},
    {KeyAlgorithm::ecdsa_p384_sha384,
     "ecdsa-p384-sha384",
     {"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04", 24},
     96},
}};

// The y coordinates of the points of small order on Curve25519, as encoded, the sign bit left out, and the
// encodings above the prime that decode to such points. With such a "key" anyone can make signatures; a file
// of zeros is one.
constexpr std::array<std::string_view, 7> small_order_points{
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

bool is_small_order(std::vector<unsigned char> point) {
  point.back() &= 0x7f;
  return std::find(small_order_points.begin(), small_order_points.end(), to_hex(point)) !=
         small_order_points.end();
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// GMP's integer, set from big-endian bytes.
class Integer {
 public:
  explicit Integer(std::span<const unsigned char> bytes) {
    nettle_mpz_init_set_str_256_u(value_, bytes.size(), bytes.data());
  }
  Integer(const Integer&) = delete;
  Integer& operator=(const Integer&) = delete;
  ~Integer() { mpz_clear(value_); }
  [[nodiscard]] mpz_srcptr get() const noexcept { return value_; }

 private:
  mpz_t value_;
};

// A point on the key's curve.
class Point {
 public:
  explicit Point(const PublicKey& key) {
    ecc_point_init(&point_, key.algorithm == KeyAlgorithm::ecdsa_p256_sha256 ? nettle_get_secp_256r1()
                                                                             : nettle_get_secp_384r1());
    const auto raw = std::span(key.raw);
    const Integer x(raw.first(raw.size() / 2));
    const Integer y(raw.subspan(raw.size() / 2));
    on_curve_ = ecc_point_set(&point_, x.get(), y.get()) == 1;
  }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  ~Point() { ecc_point_clear(&point_); }
  [[nodiscard]] bool on_curve() const noexcept { return on_curve_; }
  [[nodiscard]] const ecc_point* get() const noexcept { return &point_; }

 private:
  ecc_point point_{};
  bool on_curve_ = false;
};

// Takes a positive INTEGER in its shortest form from the front of DER. All lengths here fit one byte, since
// the integers of P-384 have at most 49.
std::optional<std::span<const unsigned char>> take_integer(std::span<const unsigned char>& der) noexcept {
  if (der.size() < 2 || der[0] != 0x02 || der[1] == 0 || der[1] > 0x7f || der.size() < 2U + der[1]) {
    return std::nullopt;
  }
  const auto value = der.subspan(2, der[1]);
  der = der.subspan(2U + value.size());
  const bool negative = (value[0] & 0x80) != 0;
  const bool padded = value.size() > 1 && value[0] == 0 && (value[1] & 0x80) == 0;
  if (negative || padded) {
    return std::nullopt;
  }
  return value;
}

bool verify_ecdsa(const PublicKey& key, std::span<const unsigned char> digest,
                  std::span<const unsigned char> signature) {
  // Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279)
  if (signature.size() < 2 || signature[0] != 0x30 || signature[1] != signature.size() - 2 ||
      signature[1] > 0x7f) {
    return false;
  }
  auto rest = signature.subspan(2);
  const auto r = take_integer(rest);
  const auto s = r ? take_integer(rest) : std::nullopt;
  if (!s || !rest.empty()) {
    return false;
  }
  const Point point(key);
  if (!point.on_curve()) {
    return false;
  }
  const Integer r_value(*r);
  const Integer s_value(*s);
  dsa_signature value{};
  // Only borrowed: ecdsa_verify() takes the signature as constant, and checks that r and s are in 1 … n-1.
  value.r[0] = *r_value.get();
  value.s[0] = *s_value.get();
  return ecdsa_verify(point.get(), digest.size(), digest.data(), &value) == 1;
}

std::string sha256_hex(std::string_view bytes) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), bytes_of(bytes));
  std::array<unsigned char, SHA256_DIGEST_SIZE> digest;
  sha256_digest(&context, digest.size(), digest.data());
  return to_hex(digest);
}

}  // namespace

std::string_view name(KeyAlgorithm algorithm) noexcept {
  return forms[static_cast<std::size_t>(algorithm)].name;
}

std::string_view short_key_id(std::string_view id) noexcept {
  constexpr std::size_t digits = 16;
  return id.substr(0, digits);
}

Result<PublicKey> PublicKey::parse(std::string_view der) {
  if (der.starts_with("-----BEGIN")) {
    return fail(Code::key_malformed,
                "a PEM file, where DER is needed: convert it with openssl pkey -pubin -in FILE -outform DER "
                "-out NEW");
  }
  const auto* form = std::find_if(forms.begin(), forms.end(), [&](const Form& candidate) {
    return der.starts_with(candidate.prefix) && der.size() == candidate.prefix.size() + candidate.raw_size;
  });
  if (form == forms.end()) {
    return fail(Code::key_malformed, "not the DER SubjectPublicKeyInfo of an Ed25519, P-256 or P-384 key");
  }
  const auto raw = der.substr(form->prefix.size());
  PublicKey key{form->algorithm, {raw.begin(), raw.end()}, sha256_hex(der)};
  if (form->algorithm == KeyAlgorithm::ed25519 ? is_small_order(key.raw) : !Point(key).on_curve()) {
    return fail(Code::key_malformed, cat("not a point that an ", form->name, " key can have"));
  }
  return key;
}

Result<std::vector<PublicKey>> load_keys(const std::string& directory) {
  const auto opened = open_directory(directory);
  if (!opened) {
    const Code code = opened.error().code();
    return fail(code == Code::not_found ? Code::key_missing : code, opened.error().what());
  }
  return load_keys(*opened, directory);
}

Result<std::vector<PublicKey>> load_keys(const Fd& directory, const std::string& name) {
  std::vector<PublicKey> keys;
  for (const std::string& file : CFS_TRY_IN(list_directory(directory), printable(name))) {
    if (!file.ends_with(".pub")) {
      continue;
    }
    const std::string path = cat(name, '/', file);
    const auto opened = open_file_beneath(directory, file);
    const auto der = opened ? read_all(*opened, key_file_max_bytes) : tl::unexpected(opened.error());
    if (!der) {
      return fail(Code::key_malformed, cat(printable(path), ": ", der.error().what()));
    }
    keys.push_back(CFS_TRY_IN(PublicKey::parse(*der), printable(path)));
  }
  if (keys.empty()) {
    return fail(Code::key_missing, cat(printable(name), " holds no key: no file NAME.pub"));
  }
  std::sort(keys.begin(), keys.end(), [](const PublicKey& a, const PublicKey& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(keys.begin(), keys.end(),
                                        [](const PublicKey& a, const PublicKey& b) { return a.id == b.id; });
  if (twice != keys.end()) {
    return fail(Code::key_malformed, cat(printable(name), " holds the key ", twice->id, " twice"),
                "remove one of the files");
  }
  return keys;
}

bool verify(const PublicKey& key, std::string_view message, std::span<const unsigned char> signature) {
  if (key.raw.size() != forms[static_cast<std::size_t>(key.algorithm)].raw_size) {
    return false;
  }
  switch (key.algorithm) {
    case KeyAlgorithm::ed25519:
      return signature.size() == ED25519_SIGNATURE_SIZE &&
             ed25519_sha512_verify(key.raw.data(), message.size(), bytes_of(message), signature.data()) == 1;
    case KeyAlgorithm::ecdsa_p256_sha256: {
      sha256_ctx context;
      sha256_init(&context);
      sha256_update(&context, message.size(), bytes_of(message));
      std::array<unsigned char, SHA256_DIGEST_SIZE> digest;
      sha256_digest(&context, digest.size(), digest.data());
      return verify_ecdsa(key, digest, signature);
    }
    case KeyAlgorithm::ecdsa_p384_sha384: {
      sha384_ctx context;
      sha384_init(&context);
      sha384_update(&context, message.size(), bytes_of(message));
      std::array<unsigned char, SHA384_DIGEST_SIZE> digest;
      sha384_digest(&context, digest.size(), digest.data());
      return verify_ecdsa(key, digest, signature);
    }
  }
  return false;
}

}  // namespace cfs
