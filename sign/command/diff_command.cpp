// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/image/tree_diff.hpp"
#include "command/command.hpp"
#include "command/image_argument.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct DiffOptions {
  std::string before;
  std::string after;
  std::string store;  // empty: both are files
  bool json = false;
};

// What a device that has the one image needs for the other.
struct Shipment {
  std::uint64_t image_bytes = 0;                 // 0: it is the same image
  std::map<std::string, std::uint64_t> objects;  // path and size

  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = image_bytes;
    for (const auto& [path, size] : objects) {
      sum += size;
    }
    return sum;
  }
};

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) {
    out += cat(out.empty() ? "" : ", ", word);
  }
  return out;
}

Result<> print_text(const FileTree& before, const FileTree& after, const Shipment& shipment) {
  std::array<std::uint64_t, 3> counts{};
  CFS_TRY(diff_trees(
      before, after,
      [&](Difference difference, const std::string& path, const std::vector<std::string_view>& aspects) {
        counts.at(static_cast<std::size_t>(difference)) += 1;
        const std::string word(name(difference));
        return print(cat(word, std::string(9 - word.size(), ' '), printable(path),
                         aspects.empty() ? "" : ": ", joined(aspects), '\n'));
      }));
  for (const auto& [path, size] : shipment.objects) {
    CFS_TRY(print(cat("fetch    ", printable(path), ": ", size, " bytes\n")));
  }
  return print(cat(counts[0], " added, ", counts[1], " removed, ", counts[2],
                   " changed; to ship: ", shipment.bytes(), " bytes, ", shipment.image_bytes,
                   " of the image and the rest in ", shipment.objects.size(), " objects\n"));
}

Result<> print_json(const FileTree& before, const FileTree& after, const Shipment& shipment) {
  CFS_TRY(print("{\"differences\":"));
  PrintedArray differences;
  CFS_TRY(diff_trees(
      before, after,
      [&](Difference difference, const std::string& path, const std::vector<std::string_view>& aspects) {
        Json out = Json::object();
        out.text("path", path).text("difference", name(difference));
        if (!aspects.empty()) {
          out.raw("aspects", json_strings(aspects));
        }
        return differences.item(out.str());
      }));
  CFS_TRY(differences.end());
  CFS_TRY(print(",\"fetch\":"));
  PrintedArray fetch;
  for (const auto& [path, size] : shipment.objects) {
    CFS_TRY(fetch.item(Json::object().text("object", path).number("size", size).str()));
  }
  CFS_TRY(fetch.end());
  return print(cat(",\"image-bytes\":", shipment.image_bytes, ",\"bytes\":", shipment.bytes(), "}\n"));
}

Result<> run(const DiffOptions& options) {
  const ImageFile before = CFS_TRY(load_named_image(options.before, options.store));
  const ImageFile after = CFS_TRY(load_named_image(options.after, options.store));
  Shipment shipment;
  shipment.image_bytes = before.digest == after.digest ? 0 : after.size;
  shipment.objects = new_objects(before.contents.tree, after.contents.tree);
  return options.json ? print_json(before.contents.tree, after.contents.tree, shipment)
                      : print_text(before.contents.tree, after.contents.tree, shipment);
}

}  // namespace

void add_diff(CLI::App& app, Action& action) {
  auto options = std::make_shared<DiffOptions>();
  auto* command = add_command(
      app, action, "diff",
      "Print what is different in image B from image A, and what has to be shipped for it", options, run);
  command->add_flag("--json", options->json, "Print JSON");
  command
      ->add_option("--store", options->store,
                   "Take A and B from this store: a digest or the name of a manifest; with a slash, a file")
      ->type_name("DIR");
  command->add_option("A", options->before, "The image that is there: a file")->required();
  command->add_option("B", options->after, "The image that will be: a file")->required();
}

}  // namespace cfs
