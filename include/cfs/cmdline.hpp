// The kernel command line: words, and the parameters in them.
//
// Words are separated by blanks; double quotes protect blanks and are removed, as in the kernel's next_arg()
// (lib/cmdline.c) and systemd's proc_cmdline_parse(). "--" ends the kernel's part: what follows belongs to
// init, but systemd reads it as parameters too, so it is looked at as well. Of a parameter given twice the
// last counts. In names "-" and "_" are the same, as for the kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cfs {

struct Parameter {
  std::string name;                  // as written
  std::optional<std::string> value;  // nothing: given without "="
};

class Cmdline {
 public:
  // Never fails: an unbalanced quote ends with the text, as for the kernel.
  [[nodiscard]] static Cmdline parse(std::string_view text);

  [[nodiscard]] const std::vector<Parameter>& parameters() const& noexcept { return parameters_; }
  const std::vector<Parameter>& parameters() && = delete;  // they would not outlive the loop over them

  // The value of the last parameter of this name that has one.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;

 private:
  std::vector<Parameter> parameters_;
};

// Whether two parameter names are the same to the kernel.
[[nodiscard]] bool same_parameter(std::string_view a, std::string_view b) noexcept;

}  // namespace cfs
