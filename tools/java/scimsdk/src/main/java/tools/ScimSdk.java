package tools;

import static tools.Session.GROUP;
import static tools.Session.USER;
import static tools.Session.change;
import static tools.Session.step;

import de.captaingoldfish.scim.sdk.client.ScimClientConfig;
import de.captaingoldfish.scim.sdk.client.ScimRequestBuilder;
import de.captaingoldfish.scim.sdk.client.response.ServerResponse;
import de.captaingoldfish.scim.sdk.common.constants.enums.PatchOp;
import de.captaingoldfish.scim.sdk.common.resources.Group;
import de.captaingoldfish.scim.sdk.common.resources.User;
import de.captaingoldfish.scim.sdk.common.resources.base.ScimObjectNode;
import de.captaingoldfish.scim.sdk.common.resources.complex.Name;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.Email;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.Member;
import java.util.List;
import java.util.Map;

public final class ScimSdk {
  private static String user;
  private static String group;

  public static void main(String[] arguments) {
    ScimClientConfig config = ScimClientConfig.builder().httpHeaders(Map.of("Authorization", "Bearer " + Session.TOKEN)).build();
    ScimRequestBuilder scim = new ScimRequestBuilder(Session.URL, config);
    change("create", () -> user = good(scim.create(User.class, "/Users").setResource(User.builder().userName(USER).displayName("Ann Tool").active(true)
        .name(Name.builder().givenName("Ann").familyName("Tool").build()).emails(List.of(Email.builder().value(USER).primary(true).build())).build())
        .sendRequest()).getId().get());
    step("read", () -> good(scim.get(User.class, "/Users", user).sendRequest()).getUserName().get());
    step("list", () -> good(scim.list(User.class, "/Users").get().getAll()).getListedResources().size());
    step("filter", () -> good(scim.list(User.class, "/Users").filter("userName eq \"" + USER + "\"").get().sendRequest())
        .getListedResources().stream().map(u -> u.getId().get()).toList());
    change("change", () -> good(scim.patch(User.class, "/Users", user).addOperation().op(PatchOp.REPLACE).path("displayName").value("Ann Changed").build().sendRequest()));
    change("disable", () -> good(scim.patch(User.class, "/Users", user).addOperation().op(PatchOp.REPLACE).path("active").value("false").build().sendRequest()));
    change("enable", () -> {
      User u = good(scim.get(User.class, "/Users", user).sendRequest());
      u.setActive(true);
      good(scim.update(User.class, "/Users", user).setResource(u).sendRequest());
    });
    change("group", () -> group = good(scim.create(Group.class, "/Groups").setResource(Group.builder().displayName(GROUP).build()).sendRequest()).getId().get());
    change("join", () -> good(scim.patch(Group.class, "/Groups", group).addOperation().op(PatchOp.ADD).path("members")
        .valueNode(Member.builder().value(user).build()).build().sendRequest()));
    change("leave", () -> good(scim.patch(Group.class, "/Groups", group).addOperation().op(PatchOp.REMOVE).path("members[value eq \"" + user + "\"]").build().sendRequest()));
    change("ungroup", () -> good(scim.delete(Group.class, "/Groups", group).sendRequest()));
    change("delete", () -> good(scim.delete(User.class, "/Users", user).sendRequest()));
    Session.end();
  }

  private static <T extends ScimObjectNode> T good(ServerResponse<T> response) {
    if (!response.isSuccess()) {
      throw new IllegalStateException(response.getHttpStatus() + " " + response.getResponseBody());
    }
    return response.getResource();
  }
}
