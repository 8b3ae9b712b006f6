#include <openssl/crypto.h>
#include <unistd.h>

#include <cstdio>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/keys/keypair.hpp"
#include "command/commands.hpp"

namespace cfs {

namespace {

Result<> refuse_existing(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) {
    return fail(Code::already_exists, cat(printable(path), " is there already; --force replaces it"));
  }
  return {};
}

}  // namespace

Result<> keygen_command(const KeygenOptions& options) {
  const std::string private_path = options.prefix + ".key";
  const std::string public_path = options.prefix + ".pub";
  const auto existing = options.force ? AtomicFile::Existing::replace : AtomicFile::Existing::refuse;
  // Both before either is written; commit() refuses again, should one appear in between.
  if (!options.force) {
    CFS_TRY(refuse_existing(private_path));
    CFS_TRY(refuse_existing(public_path));
  }
  const Keypair pair = CFS_TRY(Keypair::generate(options.algorithm));
  std::string pem = CFS_TRY(pair.private_pem());
  const auto written = write_file(private_path, pem, 0600, existing);
  OPENSSL_cleanse(pem.data(), pem.size());
  CFS_TRY(written);
  CFS_TRY(write_file(public_path, pair.public_der(), 0644, existing));
  std::printf("%s\n%s\nkey id %s\n", private_path.c_str(), public_path.c_str(), pair.public_key().id.c_str());
  return {};
}

}  // namespace cfs
