// A person at iptux without its window: the library libiptux-core of Debian's package `iptux`, driven by lines. It
// speaks the network's protocol exactly as the window does. Tests only; the library is under the GPL, and nothing that
// is shipped is linked with it.
//
//     iptux CONFIG        a file in JSON, of which {"bind_ip": "127.0.0.2", "nick_name": "...", "belong_group": "..."}
//                         matter here; all may be left out
//
// Standard input, one command a line; its end is a `quit`:
//     entry               tells everybody again that we are here
//     detect IP           tells one address
//     msg IP TEXT         blocks for up to four tries of a second each
//     quit                says goodbye and ends
// Standard output, one event a line, its fields separated by a space. In a field every byte that is not printable
// ASCII, the space and the percent sign are %XX:
//     READY
//     ONLINE IP NAME USER HOST GROUP VERSION CHARSET      also when something of it has changed
//     OFFLINE IP
//     MSG IP TEXT
//     OFFER IP PATH SIZE
//     SENT IP             the tries are over, answered or not
//     ERROR IP TEXT       they were not answered, or there is nobody of that address
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <iptux-core/CoreThread.h>
#include <iptux-core/Event.h>

namespace {

std::string escaped(const std::string &bytes) {
    std::string out;
    for (unsigned char byte : bytes) {
        if (byte > ' ' && byte < 0x7f && byte != '%') {
            out += static_cast<char>(byte);
        } else {
            char digits[4];
            std::snprintf(digits, sizeof digits, "%%%02X", byte);
            out += digits;
        }
    }
    return out;
}

// Events come from threads of the library, answers to commands from ours.
void print(const std::string &word, const std::vector<std::string> &fields = {}) {
    static std::mutex output;
    std::string line = word;
    for (const std::string &field : fields)
        line += ' ' + escaped(field);
    std::lock_guard<std::mutex> lock(output);
    std::cout << line << std::endl;
}

void print_online(const iptux::PalInfo &pal) {
    print("ONLINE", {pal.GetKey().GetIpv4String(), pal.getName(), pal.getUser(), pal.getHost(), pal.getGroup(),
                     pal.getVersion(), pal.getEncode()});
}

void print_message(const iptux::MsgPara &message) {
    std::string text;
    for (const iptux::ChipData &chip : message.dtlist)
        text += chip.data;
    bool is_error = message.stype == iptux::MessageSourceType::ERROR;
    print(is_error ? "ERROR" : "MSG", {message.getPal()->GetKey().GetIpv4String(), text});
}

void print_event(const iptux::Event &event) {
    using iptux::EventType;
    switch (event.getType()) {
    case EventType::NEW_PAL_ONLINE:
        print_online(*static_cast<const iptux::NewPalOnlineEvent &>(event).getPalInfo());
        break;
    case EventType::PAL_UPDATE:
        print_online(*static_cast<const iptux::PalUpdateEvent &>(event).getPalInfo());
        break;
    case EventType::PAL_OFFLINE:
        print("OFFLINE", {static_cast<const iptux::PalOfflineEvent &>(event).GetPalKey().GetIpv4String()});
        break;
    case EventType::NEW_MESSAGE:
        print_message(static_cast<const iptux::NewMessageEvent &>(event).getMsgPara());
        break;
    case EventType::NEW_SHARE_FILE_FROM_FRIEND: {
        const auto &offer = static_cast<const iptux::NewShareFileFromFriendEvent &>(event).GetFileInfo();
        print("OFFER", {offer.fileown->GetKey().GetIpv4String(), offer.filepath, std::to_string(offer.filesize)});
        break;
    }
    default:
        break;
    }
}

void send(iptux::CoreThread &core, const std::string &address, const std::string &text) {
    iptux::PPalInfo pal = core.GetPal(address);
    if (!pal) {
        print("ERROR", {address, "nobody of that address"});
        return;
    }
    core.SendMessage(pal, text);
    print("SENT", {address});
}

// Whether there is more to do.
bool obey(iptux::CoreThread &core, const std::string &line) {
    std::istringstream words(line);
    std::string command, address, text;
    words >> command >> address;
    std::getline(words >> std::ws, text);
    if (command == "msg")
        send(core, address, text);
    else if (command == "detect")
        core.SendDetectPacket(address);
    else if (command == "entry")
        iptux::CoreThread::SendNotifyToAll(&core);
    else if (command == "quit")
        return false;
    else
        throw std::runtime_error("no such command: " + line);
    return true;
}

} // namespace

int main(int count, char **arguments) {
    if (count != 2) {
        std::cerr << "usage: iptux CONFIG" << std::endl;
        return 2;
    }
    try {
        auto config = std::make_shared<iptux::IptuxConfig>(arguments[1]);
        iptux::CoreThread core(std::make_shared<iptux::ProgramData>(config));
        core.signalEvent.connect([](std::shared_ptr<const iptux::Event> event) { print_event(*event); });
        core.start();
        print("READY");
        for (std::string line; std::getline(std::cin, line) && obey(core, line);) {
        }
        core.stop();
    } catch (const std::exception &error) {
        std::cerr << "iptux: " << error.what() << std::endl;
        return 1;
    }
}
