package tools;

import static tools.Session.GROUP;
import static tools.Session.USER;
import static tools.Session.change;
import static tools.Session.step;

import com.slack.api.Slack;
import com.slack.api.SlackConfig;
import com.slack.api.scim2.SCIM2Client;
import com.slack.api.scim2.model.Group;
import com.slack.api.scim2.model.PatchOperation;
import com.slack.api.scim2.model.User;
import com.slack.api.scim2.request.GroupsPatchOperation;
import com.slack.api.scim2.request.UsersPatchOperation;
import com.slack.api.scim2.response.UsersSearchResponse;
import java.util.List;

/** Its SCIM 2.0 client; the one for SCIM 1.1 stands beside it. */
public final class SlackOfJava {
  private static String user;
  private static String group;

  public static void main(String[] arguments) {
    SlackConfig config = new SlackConfig();
    config.setScim2EndpointUrlPrefix(Session.URL + "/");
    SCIM2Client slack = Slack.getInstance(config).scim2(Session.TOKEN);
    change("create", () -> user = slack.createUser(r -> r.user(ann())).getId());
    step("read", () -> slack.readUser(r -> r.id(user)).getUserName());
    step("list", () -> {
      int seen = 0;
      for (int total = 1; seen < total; ) {
        int from = seen + 1;
        UsersSearchResponse page = slack.searchUsers(r -> r.count(50).startIndex(from));
        total = page.getTotalResults();
        seen += page.getResources().size();
      }
      return seen;
    });
    step("filter", () -> slack.searchUsers(r -> r.filter("userName eq \"" + USER + "\"").count(10)).getResources().stream().map(User::getId).toList());
    change("change", () -> slack.patchUser(r -> r.id(user).operations(List.of(
        UsersPatchOperation.builder().op(PatchOperation.Replace).path("displayName").stringValue("Ann Changed").build()))));
    change("disable", () -> slack.patchUser(r -> r.id(user).operations(List.of(
        UsersPatchOperation.builder().op(PatchOperation.Replace).path("active").stringValue("false").build()))));
    change("enable", () -> {
      User u = slack.readUser(r -> r.id(user));
      u.setActive(true);
      slack.updateUser(r -> r.id(user).user(u));
    });
    change("group", () -> {
      Group crew = new Group();
      crew.setDisplayName(GROUP);
      group = slack.createGroup(r -> r.group(crew)).getId();
    });
    change("join", () -> slack.patchGroup(r -> r.id(group).operations(List.of(member(PatchOperation.Add)))));
    change("leave", () -> slack.patchGroup(r -> r.id(group).operations(List.of(member(PatchOperation.Remove)))));
    change("ungroup", () -> slack.deleteGroup(r -> r.id(group)));
    change("delete", () -> slack.deleteUser(r -> r.id(user)));
    Session.end();
  }

  private static User ann() {
    User u = new User();
    u.setUserName(USER);
    u.setDisplayName("Ann Tool");
    u.setActive(true);
    User.Name name = new User.Name();
    name.setGivenName("Ann");
    name.setFamilyName("Tool");
    u.setName(name);
    User.Email email = new User.Email();
    email.setValue(USER);
    email.setPrimary(true);
    u.setEmails(List.of(email));
    return u;
  }

  private static GroupsPatchOperation member(PatchOperation op) {
    GroupsPatchOperation.Member m = GroupsPatchOperation.Member.builder().value(user).build();
    return GroupsPatchOperation.builder().op(op).path("members").memberValues(List.of(m)).build();
  }
}
