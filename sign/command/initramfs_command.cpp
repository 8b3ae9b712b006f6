// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/initramfs/disk_drivers.hpp"
#include "cfs/initramfs/initramfs.hpp"
#include "cfs/initramfs/inner_archive.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct InitramfsOptions {
  std::string policy;
  std::string keys;
  std::string modules;  // ROOTFS/lib/modules/KVER; empty: none, with an inner archive
  std::string inner;    // an initrd with systemd to start after this program has decided; "-": standard input
  std::string output;   // "-": standard output
  std::string program;  // composefs-root; empty: the installed one, or the one built beside cfs-sign
  std::vector<std::string> required;  // modules to include besides those always needed
  std::vector<std::string> left_out;  // modules that others only ask for
  bool strip_module_signatures = false;
  Compression compression = Compression::zstd;
};

// Where the program lies, seen from the directory of cfs-sign: in a build tree, installed, side by side.
constexpr std::array program_places{"../initrd/composefs-root", "../lib/composefs-root/composefs-root",
                                    "composefs-root"};

Result<std::string> find_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : program_places) {
    const auto program = (self / place).lexically_normal();
    if (std::filesystem::is_regular_file(program, error)) {
      return program.string();
    }
  }
  return fail(Code::not_found, cat("no composefs-root is installed beside ", printable(self.string()),
                                   ": name it with --program"));
}

// SOURCE_DATE_EPOCH (reproducible-builds.org), else 1970.
Result<std::uint32_t> build_time() {
  // Nothing here changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  const auto seconds = parse_decimal<std::uint32_t>(text == nullptr ? "0" : text);
  if (!seconds) {
    return fail(Code::usage, cat("SOURCE_DATE_EPOCH is \"", printable(text), "\", not seconds since 1970"));
  }
  return *seconds;
}

// The kernel looks for the next archive where four bytes begin.
void pad(std::string& early) {
  early.resize((early.size() + 3) / 4 * 4);
}

Result<> run(const InitramfsOptions& options) {
  if (options.modules.empty() && (options.inner.empty() || !options.required.empty())) {
    return fail(Code::usage,
                "name the kernel's modules with --modules: only an initramfs with --inner can do without");
  }
  const auto mtime = CFS_TRY(build_time());
  InnerArchive inner;
  if (!options.inner.empty()) {
    inner = CFS_TRY(load_inner_archive(options.inner));
    pad(inner.early);
  }
  const Policy policy = CFS_TRY(load_policy(options.policy));
  const std::string warning = options.modules.empty()
                                  ? disk_driver_warning(inner.bytes, policy)
                                  : CFS_TRY(check_disk_drivers(options.modules, options.required, policy));
  if (!warning.empty()) {
    note(cat("warning: ", warning));
  }
  const std::string program = options.program.empty() ? CFS_TRY(find_program()) : options.program;
  const Cpio initramfs = CFS_TRY(make_initramfs({
      .program = program,
      .policy = options.policy,
      .keys = options.keys,
      .modules = options.modules,
      .required = options.required,
      .left_out = options.left_out,
      .signatures = options.strip_module_signatures ? ModuleSignatures::stripped : ModuleSignatures::kept,
      .inner = std::move(inner.bytes),
  }));
  const auto write = [&](const Fd& file) -> Result<> {
    CFS_TRY(write_all(file, inner.early));
    return initramfs.write(file, mtime, options.compression);
  };
  if (options.output == "-") {
    const Fd output(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    return write(output);
  }
  AtomicFile file = CFS_TRY(AtomicFile::create(options.output));
  CFS_TRY_IN(write(file.fd()), printable(options.output));
  return file.commit();
}

constexpr auto compression_words = std::to_array<Word<Compression>>(
    {{Compression::zstd, "zstd"}, {Compression::gzip, "gzip"}, {Compression::none, "none"}});

}  // namespace

void add_initramfs(CLI::App& app, Action& action) {
  auto options = std::make_shared<InitramfsOptions>();
  auto* command = add_command(app, action, "initramfs",
                              "Make an initramfs that boots what a policy and its keys accept", options, run);
  command->add_option("--policy", options->policy, "The device's policy")->type_name("FILE")->required();
  command->add_option("--keys", options->keys, "Directory with the public keys that may sign, *.pub")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--modules", options->modules,
                   "The kernel's modules: ROOTFS/lib/modules/RELEASE. Needed without --inner")
      ->type_name("DIR");
  command
      ->add_option(
          "--inner", options->inner,
          "An initrd with systemd, to be unpacked and started when policy and command line were accepted; "
          "- is standard input")
      ->type_name("FILE");
  command
      ->add_option("-o,--output", options->output,
                   "The initramfs to write: a newc cpio archive; - is standard output")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--program", options->program,
                   "The composefs-root program (default: the one installed, or built, beside this program)")
      ->type_name("FILE");
  command
      ->add_option("--module", options->required,
                   "Module that the store's device needs, such as virtio_blk. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--without-module", options->left_out,
                   "Module to leave out that another asks for, but does not need. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command->add_option("--compress", options->compression, "zstd (the default), gzip or none")
      ->type_name("NAME")
      ->transform(WordOf(compression_words), "");
  command->add_flag("--strip-module-signatures", options->strip_module_signatures,
                    "Leave the modules' signatures out, for kernels that do not demand them");
}

}  // namespace cfs
