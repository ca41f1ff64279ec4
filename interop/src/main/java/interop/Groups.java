package interop;

import static interop.Steps.equal;
import static interop.Steps.refused;

import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.exceptions.BadRequestException;
import com.unboundid.scim2.common.exceptions.ResourceConflictException;
import com.unboundid.scim2.common.exceptions.ResourceNotFoundException;
import com.unboundid.scim2.common.types.GroupResource;
import com.unboundid.scim2.common.types.Member;
import com.unboundid.scim2.common.types.UserResource;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** A group and its members. */
final class Groups {
  private final Steps steps;
  private final ScimService scim;
  private UserResource one;
  private UserResource two;
  private GroupResource group;

  Groups(Steps steps, ScimService scim) {
    this.steps = steps;
    this.scim = scim;
  }

  void run() {
    steps.step("groups: create, with a member", () -> {
      one = scim.create("Users", Users.user("one@demo.example"));
      two = scim.create("Users", Users.user("two@demo.example"));
      group = scim.create("Groups", new GroupResource().setDisplayName("SDK").setMembers(member(one)));
      equal(members(group), Set.of(one.getId()));
    });
    steps.step("groups: create again, 409", () ->
        refused(ResourceConflictException.class, () -> scim.create("Groups", new GroupResource().setDisplayName("sdk"))));
    steps.step("groups: retrieve without members", () -> {
      GroupResource bare = scim.retrieveRequest("Groups", group.getId()).excludedAttributes("members").invoke(GroupResource.class);
      equal(bare.getDisplayName(), "SDK");
      equal(members(bare), Set.of());
    });
    steps.step("groups: search by displayName, and by member", () -> {
      for (String filter : List.of("displayName eq \"SDK\"", "members[value eq \"" + one.getId() + "\"]")) {
        equal(scim.search("Groups", filter, GroupResource.class).getResources().get(0).getId(), group.getId());
      }
    });
    steps.step("groups: patch, add a member", () -> {
      GroupResource got = scim.modifyRequest("Groups", group.getId()).addValues("members", member(two)).invoke(GroupResource.class);
      equal(members(got), Set.of(one.getId(), two.getId()));
    });
    steps.step("groups: patch, remove that member only", () -> {
      scim.modifyRequest("Groups", group.getId()).removeValues("members[value eq \"" + two.getId() + "\"]").invoke(GroupResource.class);
      equal(members(scim.retrieve("Groups", group.getId(), GroupResource.class)), Set.of(one.getId()));
    });
    steps.step("groups: the member's groups", () ->
        equal(scim.retrieve(one).getGroups().get(0).getValue(), group.getId()));
    steps.step("groups: replace, other members", () -> {
      group = scim.retrieve(group);
      GroupResource got = scim.replace(group.setMembers(List.of(member(two))));
      equal(members(got), Set.of(two.getId()));
    });
    steps.step("groups: rename, 400 mutability", () -> {
      BadRequestException e = refused(BadRequestException.class,
          () -> scim.modifyRequest("Groups", group.getId()).replaceValue("displayName", "KDS").invoke(GroupResource.class));
      equal(e.getScimError().getScimType(), "mutability");
    });
    steps.step("groups: delete, then 404", () -> {
      scim.delete(group);
      refused(ResourceNotFoundException.class, () -> scim.retrieve("Groups", group.getId(), GroupResource.class));
      scim.delete(one);
      scim.delete(two);
    });
  }

  private static Member member(UserResource user) {
    return new Member().setValue(user.getId());
  }

  private static Set<String> members(GroupResource group) {
    List<Member> members = group.getMembers();
    return members == null ? Set.of() : members.stream().map(Member::getValue).collect(Collectors.toSet());
  }
}
