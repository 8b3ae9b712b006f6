#include <algorithm>
#include <cstdlib>

#include "cfs/atomic_file.hpp"
#include "cfs/disk.hpp"
#include "cfs/progress.hpp"
#include "cfs/store_contents.hpp"
#include "cfs/text.hpp"
#include "commands.hpp"

namespace cfs {

namespace {

// SOURCE_DATE_EPOCH, as reproducible-builds.org specifies it, within what every field of ext4 can hold.
Result<> read_timestamp(DiskLayout& layout) {
  const char* const text =
      std::getenv("SOURCE_DATE_EPOCH");  // NOLINT(concurrency-mt-unsafe): no other thread yet
  if (text == nullptr) {
    return {};
  }
  const auto seconds = parse_decimal<std::uint32_t>(text);
  if (!seconds || *seconds > INT32_MAX) {
    return fail(Code::usage, cat("SOURCE_DATE_EPOCH=", printable(text), " is not a time from 1970 to 2038"));
  }
  layout.timestamp = std::max(*seconds, layout.timestamp);
  return {};
}

}  // namespace

Result<> disk_command(const DiskOptions& options) {
  DiskLayout layout;
  layout.kind = options.raw ? DiskLayout::Kind::raw : DiskLayout::Kind::gpt;
  if (options.raw && !options.state_size.empty()) {
    return fail(Code::usage, "--raw leaves no place for --state-size");
  }
  if (!options.size.empty()) {
    layout.size = CFS_TRY_IN(parse_size(options.size), "--size");
  }
  if (!options.state_size.empty()) {
    layout.state_size = CFS_TRY_IN(parse_size(options.state_size), "--state-size");
  }
  CFS_TRY(read_timestamp(layout));
  const StoreContents store = CFS_TRY(read_store(options.store));
  AtomicFile output = CFS_TRY(AtomicFile::create(options.output));
  Progress progress("writing the disk");
  CFS_TRY_IN(write_disk(store, output.fd(), layout, progress), printable(options.output));
  return output.commit();
}

}  // namespace cfs
